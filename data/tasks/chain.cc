// Chains of operations in parentheses: ((3+4)*2)-5. Every pair of operands but the outermost is in
// parentheses, so that nothing hangs on precedence. Expressions that differ by the order of a sum's
// or a product's operands count as equal.
#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "data/check.h"
#include "data/tasks/column_arithmetic.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

struct Expression {
  char operation = 0;  // '+', '-', '*'; 0 for a number
  int64_t value = 0;
  std::unique_ptr<Expression> left, right;
};

// Upper bounds on results, so that a step stays a small table.
struct Bounds {
  int64_t inner;         // of every result but the last
  int64_t outer;         // of the last
  int64_t both_factors;  // of a product's two factors
  int64_t one_factor;    // of the smaller one
};

Bounds BoundsOf(int level) {
  if (level == 1) return {9, 99, 9, 9};
  if (level == 2) return {99, 99, 9, 9};
  return {999, 999, 99, 9};
}

bool Allowed(char operation, int64_t a, int64_t b, int64_t limit, const Bounds& bounds) {
  switch (operation) {
    case '+':
      return a + b <= limit;
    case '-':
      return a >= b;
    default:
      return std::max(a, b) <= bounds.both_factors && std::min(a, b) <= bounds.one_factor &&
             a * b <= limit;
  }
}

int64_t Apply(char operation, int64_t a, int64_t b) {
  return operation == '+' ? a + b : operation == '-' ? a - b : a * b;
}

// nullptr where no operation fits the bounds.
std::unique_ptr<Expression> Draw(int operations, bool outermost, const Bounds& bounds,
                                 RandomStream& random) {
  auto expression = std::make_unique<Expression>();
  if (operations == 0) {
    expression->value = random.Between(1, 9);
    return expression;
  }
  const int on_the_left = static_cast<int>(random.Below(operations));
  expression->left = Draw(on_the_left, false, bounds, random);
  expression->right = Draw(operations - 1 - on_the_left, false, bounds, random);
  if (expression->left == nullptr || expression->right == nullptr) return nullptr;
  const int64_t a = expression->left->value, b = expression->right->value;
  std::vector<char> allowed;
  for (const char operation : {'+', '-', '*'}) {
    if (Allowed(operation, a, b, outermost ? bounds.outer : bounds.inner, bounds)) {
      allowed.push_back(operation);
    }
  }
  if (allowed.empty()) return nullptr;
  expression->operation = allowed[random.Below(allowed.size())];
  expression->value = Apply(expression->operation, a, b);
  return expression;
}

std::string Text(const Expression& expression, bool outermost) {
  if (expression.operation == 0) return absl::StrCat(expression.value);
  const std::string inside =
      absl::StrCat(Text(*expression.left, false), std::string(1, expression.operation),
                   Text(*expression.right, false));
  return outermost ? inside : absl::StrCat("(", inside, ")");
}

std::string Canonical(const Expression& expression) {
  if (expression.operation == 0) return absl::StrCat(expression.value);
  std::string left = Canonical(*expression.left), right = Canonical(*expression.right);
  if (expression.operation != '-' && right < left) std::swap(left, right);
  return absl::StrCat("(", left, std::string(1, expression.operation), right, ")");
}

// The leftmost operation whose operands are numbers.
Expression& Innermost(Expression& expression) {
  if (expression.left->operation != 0) return Innermost(*expression.left);
  if (expression.right->operation != 0) return Innermost(*expression.right);
  return expression;
}

// One operation at a time, and after it what is left, unless the next step says that by itself:
// "3+4=7 (7*2)-5 7*2=14 14-5=9".
std::string Working(Expression& expression, int operations) {
  std::string working;
  for (int left = operations; left > 0; --left) {
    Expression& innermost = Innermost(expression);
    absl::StrAppend(&working, Text(innermost, true), "=", innermost.value);
    innermost.operation = 0;
    if (left > 2) absl::StrAppend(&working, " ", Text(expression, true));
    if (left > 1) working += ' ';
  }
  return working;
}

class Chain : public TaskFamily {
 public:
  absl::string_view name() const override { return "chain"; }
  absl::string_view description() const override {
    return "operations on digits in parentheses; level L: L+1 operations; results up to 9 on the "
           "way and 99 at the end at level 1 (over 4000 problems), up to 99 at level 2, up to 999 "
           "from level 3";
  }
  int max_level() const override { return 7; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const int operations = level + 1;
    std::unique_ptr<Expression> expression;
    while (expression == nullptr) {
      expression = Draw(operations, /*outermost=*/true, BoundsOf(level), random);
    }
    TaskProblem problem;
    problem.question = absl::StrCat("Compute ", Text(*expression, true), ".");
    problem.canonical = Canonical(*expression);
    problem.answer = absl::StrCat(expression->value);
    problem.guess = absl::StrCat(NumericGuess(expression->value, random));
    problem.reasoning = Working(*expression, operations);
    problem.metadata_json = "{}";
    return problem;
  }
};

}  // namespace

const TaskFamily& ChainFamily() {
  static const Chain* const family = new Chain;
  return *family;
}

}  // namespace grpo
