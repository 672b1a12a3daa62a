// Long subtraction without negative results. No two different questions count as equal.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "data/tasks/column_arithmetic.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

class Subtraction : public TaskFamily {
 public:
  absl::string_view name() const override { return "subtraction"; }
  absl::string_view description() const override {
    return "long subtraction, the larger number first; level L: two numbers of L+1 digits (4095 "
           "problems at level 1)";
  }
  int max_level() const override { return 9; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const int64_t one = NumberOfDigits(level + 1, random);
    const int64_t other = NumberOfDigits(level + 1, random);
    const int64_t a = std::max(one, other), b = std::min(one, other);
    TaskProblem problem;
    problem.question = absl::StrCat("Compute ", a, "-", b, ".");
    problem.reasoning = SubtractionColumns(a, b);
    problem.answer = absl::StrCat(a - b);
    problem.guess = absl::StrCat(NumericGuess(a - b, random));
    problem.metadata_json = "{}";
    problem.canonical = absl::StrCat(a, "-", b);
    return problem;
  }
};

}  // namespace

const TaskFamily& SubtractionFamily() {
  static const Subtraction* const family = new Subtraction;
  return *family;
}

}  // namespace grpo
