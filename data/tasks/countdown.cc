// The countdown number game: an expression that uses each given number exactly once and has the
// target's value. The trace tries expressions in a fixed order. Problems whose numbers differ in
// order only count as equal.
#include <algorithm>
#include <array>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/tasks/families.h"

namespace grpo {
namespace {

struct Term {
  char operation;  // with what came before; '+' in the first term
  int64_t number;
};
using Terms = std::vector<Term>;

std::string Text(const Terms& terms) {
  std::string text;
  for (size_t i = 0; i < terms.size(); ++i) {
    if (i > 0) text += terms[i].operation;
    absl::StrAppend(&text, terms[i].number);
  }
  return text;
}

// A sum of products, by the usual precedence.
int64_t Value(const Terms& terms) {
  int64_t sum = 0, product = 0;
  for (const Term& term : terms) {
    if (term.operation == '*') {
      product *= term.number;
      continue;
    }
    sum += product;
    product = term.operation == '-' ? -term.number : term.number;
  }
  return sum + product;
}

// All sums with `minuses` of the numbers subtracted, those after the others: 7 3 9 with one minus
// gives 3+9-7, 7+9-3, 7+3-9.
void AppendSums(const std::vector<int64_t>& numbers, int minuses, std::vector<Terms>& tries) {
  for (unsigned subtracted = 0; subtracted < 1u << numbers.size(); ++subtracted) {
    if (__builtin_popcount(subtracted) != minuses) continue;
    Terms terms;
    for (const bool minus : {false, true}) {
      for (size_t i = 0; i < numbers.size(); ++i) {
        if ((subtracted >> i & 1) == minus) terms.push_back({minus ? '-' : '+', numbers[i]});
      }
    }
    tries.push_back(std::move(terms));
  }
}

// A product of two numbers, and the third added or subtracted.
void AppendProducts(const std::vector<int64_t>& n, std::vector<Terms>& tries) {
  for (const auto& [a, b, c] : {std::array{0, 1, 2}, std::array{0, 2, 1}, std::array{1, 2, 0}}) {
    for (const char operation : {'+', '-'}) {
      tries.push_back({{'+', n[a]}, {'*', n[b]}, {operation, n[c]}});
    }
  }
}

// In the order in which the trace goes through them.
std::vector<Terms> Tries(int level, const std::vector<int64_t>& numbers) {
  std::vector<Terms> tries;
  AppendSums(numbers, 0, tries);
  AppendSums(numbers, 1, tries);
  if (level == 2) AppendProducts(numbers, tries);
  if (level >= 3) AppendSums(numbers, 2, tries);
  return tries;
}

// One try from left to right: "7+3=10+9=19".
std::string Working(const Terms& terms) {
  std::string working = absl::StrCat(terms[0].number);
  int64_t value = terms[0].number;
  for (size_t i = 1; i < terms.size(); ++i) {
    const auto [operation, number] = terms[i];
    value = operation == '*' ? value * number : operation == '-' ? value - number : value + number;
    absl::StrAppend(&working, std::string(1, operation), number, "=", value);
  }
  return working;
}

// The numbers in any order with any of + - *, off the target.
std::string Guess(std::vector<int64_t> numbers, int64_t target, RandomStream& random) {
  while (true) {
    Terms terms;
    for (size_t i = 0; i < numbers.size(); ++i) {
      std::swap(numbers[i], numbers[i + random.Below(numbers.size() - i)]);
      terms.push_back({i == 0 ? '+' : "+-*"[random.Below(3)], numbers[i]});
    }
    if (Value(terms) != target) return Text(terms);
  }
}

class Countdown : public TaskFamily {
 public:
  absl::string_view name() const override { return "countdown"; }
  absl::string_view description() const override {
    return "reach a target with each number once; level 1: three digits, + and - (over 2300 "
           "problems, 500 without regard to the numbers' order); 2: also *; 3: four digits, + "
           "and -; 4: five";
  }
  int max_level() const override { return 4; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    std::vector<int64_t> numbers(level <= 2 ? 3 : level + 1);
    std::vector<Terms> tries;
    int64_t target = 0;
    while (target <= 0) {
      for (int64_t& number : numbers) number = random.Between(1, 9);
      tries = Tries(level, numbers);
      target = Value(tries[random.Below(tries.size())]);
    }
    TaskProblem problem;
    for (const Terms& terms : tries) {
      absl::StrAppend(&problem.reasoning, problem.reasoning.empty() ? "" : " ", Working(terms));
      problem.answer = Text(terms);
      if (Value(terms) == target) break;
    }
    problem.question = absl::StrCat("Make ", target, " from ", absl::StrJoin(numbers, " "), ".");
    problem.guess = Guess(numbers, target, random);
    problem.metadata_json =
        absl::StrCat("{\"numbers\":[", absl::StrJoin(numbers, ","), "],\"target\":", target, "}");
    std::sort(numbers.begin(), numbers.end());
    problem.canonical = absl::StrCat(absl::StrJoin(numbers, " "), "=", target);
    return problem;
  }
};

}  // namespace

const TaskFamily& CountdownFamily() {
  static const Countdown* const family = new Countdown;
  return *family;
}

}  // namespace grpo
