// Long addition. 47+85 and 85+47 count as equal.
#include <algorithm>

#include "absl/strings/str_cat.h"

#include "data/tasks/column_arithmetic.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

class Addition : public TaskFamily {
 public:
  absl::string_view name() const override { return "addition"; }
  absl::string_view description() const override {
    return "long addition; level L: two numbers of L+1 digits (8100 problems at level 1)";
  }
  int max_level() const override { return 9; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const int64_t a = NumberOfDigits(level + 1, random);
    const int64_t b = NumberOfDigits(level + 1, random);
    TaskProblem problem;
    problem.question = absl::StrCat("Compute ", a, "+", b, ".");
    problem.reasoning = AdditionColumns(a, b);
    problem.answer = absl::StrCat(a + b);
    problem.guess = absl::StrCat(NumericGuess(a + b, random));
    problem.metadata_json = "{}";
    problem.canonical = absl::StrCat(std::min(a, b), "+", std::max(a, b));
    return problem;
  }
};

}  // namespace

const TaskFamily& AdditionFamily() {
  static const Addition* const family = new Addition;
  return *family;
}

}  // namespace grpo
