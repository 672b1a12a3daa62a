// Linear equations in x. 3x+5=20 and 5+3x=20 count as equal.
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/tasks/column_arithmetic.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

// "a+b=c" for a step that takes `b` to the other side, with the sign that leaves no double sign.
std::string Step(int64_t a, int64_t minus_b) {
  return absl::StrFormat("%d%c%d=%d", a, minus_b < 0 ? '+' : '-', minus_b < 0 ? -minus_b : minus_b,
                         a - minus_b);
}

std::string Division(int64_t a, int64_t b) { return absl::StrCat(a, "/", b, "=", a / b); }

TaskProblem Problem(const std::string& equation, const std::string& canonical,
                    const std::string& reasoning, int64_t x, RandomStream& random) {
  TaskProblem problem;
  problem.question = absl::StrCat("Solve ", equation, " for x.");
  problem.reasoning = reasoning;
  problem.answer = absl::StrCat(x);
  problem.guess = absl::StrCat(NumericGuess(x, random));
  problem.metadata_json = "{}";
  problem.canonical = canonical;
  return problem;
}

// ax+b=c, b+ax=c, ax-b=c or c-ax=b, all numbers positive.
TaskProblem OneSided(RandomStream& random) {
  while (true) {
    const int64_t a = random.Between(2, 9), x = random.Between(1, 9), b = random.Between(1, 9);
    const int form = static_cast<int>(random.Below(4));
    const int64_t product = a * x, c = form == 2 ? product - b : product + b;
    if (c < 0) continue;
    const std::string canonical = form == 2   ? absl::StrFormat("%dx-%d=%d", a, b, c)
                                  : form == 3 ? absl::StrFormat("%d-%dx=%d", c, a, b)
                                              : absl::StrFormat("%dx+%d=%d", a, b, c);
    const std::string equation = form == 1 ? absl::StrFormat("%d+%dx=%d", b, a, c) : canonical;
    return Problem(equation, canonical,
                   absl::StrCat(Step(c, form == 2 ? -b : b), " ", Division(product, a)), x, random);
  }
}

// ax+b=cx+d. The coefficients are positive; x and the constants only where `negative` is not set.
TaskProblem TwoSided(int64_t max_x, int64_t max_constant, bool negative, RandomStream& random) {
  while (true) {
    const int64_t a = random.Between(2, 9), c = random.Between(2, 9);
    const int64_t x = random.Between(negative ? -max_x : 1, max_x);
    const int64_t b = random.Between(-max_constant, max_constant);
    const int64_t d = (a - c) * x + b;
    if (b == 0 || d == 0 || a == c || x == 0) continue;
    if (!negative && (a - c < 2 || d < 0)) continue;
    const std::string equation = absl::StrFormat("%dx%+d=%dx%+d", a, b, c, d);
    return Problem(equation, equation,
                   absl::StrCat(Step(a, c), " ", Step(d, b), " ", Division(d - b, a - c)), x,
                   random);
  }
}

class Equation : public TaskFamily {
 public:
  absl::string_view name() const override { return "equation"; }
  absl::string_view description() const override {
    return "linear equations; level 1: x on one side, digits (over 2000 problems); 2: on both "
           "sides; 3: also negative numbers; 4: two-digit numbers";
  }
  int max_level() const override { return 4; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    switch (level) {
      case 1:
        return OneSided(random);
      case 2:
        return TwoSided(/*max_x=*/9, /*max_constant=*/12, /*negative=*/false, random);
      case 3:
        return TwoSided(/*max_x=*/9, /*max_constant=*/9, /*negative=*/true, random);
      default:
        return TwoSided(/*max_x=*/40, /*max_constant=*/99, /*negative=*/true, random);
    }
  }
};

}  // namespace

const TaskFamily& EquationFamily() {
  static const Equation* const family = new Equation;
  return *family;
}

}  // namespace grpo
