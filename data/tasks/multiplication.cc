// Long multiplication. By one digit, with a digit to add, which the first column takes as its
// carry. By several digits: each partial product by columns, then the partial products added by
// columns. 47*36 and 36*47 count as equal.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "data/tasks/column_arithmetic.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

// Digits of the two factors.
struct Shape {
  int first;
  int second;
};
constexpr Shape kShapes[] = {{2, 1}, {3, 1}, {2, 2}, {3, 2}, {3, 3}, {4, 3}};

// "… 47*6=282 … 47*30=1410 … 282+1410=1692"
std::string LongMultiplication(int64_t a, int64_t b) {
  std::string working;
  int64_t sum = 0, power = 1;
  for (int64_t rest = b; rest > 0; rest /= 10, power *= 10) {
    const int digit = static_cast<int>(rest % 10);
    const int64_t partial = a * digit * power;
    absl::StrAppend(&working, power > 1 ? " " : "", MultiplicationColumns(a, digit, 0), " ", a, "*",
                    digit * power, "=", partial);
    if (power > 1) {
      absl::StrAppend(&working, " ", AdditionColumns(sum, partial), " ", sum, "+", partial, "=",
                      sum + partial);
    }
    sum += partial;
  }
  return working;
}

class Multiplication : public TaskFamily {
 public:
  absl::string_view name() const override { return "multiplication"; }
  absl::string_view description() const override {
    return "long multiplication; digits of the factors: level 1: 2 and 1, plus a digit (7200 "
           "problems); 2: 3 and 1, plus a digit; 3: 2 and 2 (4095 problems); 4: 3 and 2; 5: 3 and "
           "3; 6: 4 and 3";
  }
  int max_level() const override { return static_cast<int>(std::size(kShapes)); }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const Shape shape = kShapes[level - 1];
    const int64_t a = NumberOfDigits(shape.first, random);
    const bool by_digit = shape.second == 1;
    const int64_t b = by_digit ? random.Between(2, 9) : NumberOfDigits(shape.second, random);
    const int addend = by_digit ? static_cast<int>(random.Below(10)) : 0;
    TaskProblem problem;
    problem.canonical = by_digit ? absl::StrCat(a, "*", b, "+", addend)
                                 : absl::StrCat(std::min(a, b), "*", std::max(a, b));
    problem.question =
        absl::StrCat("Compute ", a, "*", b, by_digit ? absl::StrCat("+", addend) : "", ".");
    problem.reasoning =
        by_digit ? MultiplicationColumns(a, static_cast<int>(b), addend) : LongMultiplication(a, b);
    problem.answer = absl::StrCat(a * b + addend);
    problem.guess = absl::StrCat(NumericGuess(a * b + addend, random));
    problem.metadata_json = "{}";
    return problem;
  }
};

}  // namespace

const TaskFamily& MultiplicationFamily() {
  static const Multiplication* const family = new Multiplication;
  return *family;
}

}  // namespace grpo
