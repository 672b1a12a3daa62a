// Sorting distinct numbers by repeated minimum. The same numbers in another order are another
// problem.
#include <algorithm>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/tasks/families.h"

namespace grpo {
namespace {

std::vector<int64_t> Shuffled(std::vector<int64_t> numbers, RandomStream& random) {
  for (size_t i = 0; i < numbers.size(); ++i) {
    std::swap(numbers[i], numbers[i + random.Below(numbers.size() - i)]);
  }
  return numbers;
}

std::vector<int64_t> DistinctNumbers(size_t count, int64_t bound, RandomStream& random) {
  std::vector<int64_t> numbers;
  while (numbers.size() < count) {
    const int64_t number = static_cast<int64_t>(random.Below(bound));
    if (std::find(numbers.begin(), numbers.end(), number) == numbers.end()) {
      numbers.push_back(number);
    }
  }
  return numbers;
}

// The minimum and what is left of the list, again and again: "1<7 3 9;3<7 9;7<9;9".
std::string Working(std::vector<int64_t> numbers) {
  std::string working;
  while (numbers.size() > 1) {
    const auto minimum = std::min_element(numbers.begin(), numbers.end());
    absl::StrAppend(&working, *minimum, "<");
    numbers.erase(minimum);
    absl::StrAppend(&working, absl::StrJoin(numbers, " "), ";");
  }
  return absl::StrCat(working, numbers[0]);
}

class Sorting : public TaskFamily {
 public:
  absl::string_view name() const override { return "sorting"; }
  absl::string_view description() const override {
    return "sorting distinct numbers; level L: L+3 numbers, of one digit at levels 1 (5040 "
           "problems) and 2, up to 99 above";
  }
  int max_level() const override { return 7; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const std::vector<int64_t> numbers = DistinctNumbers(level + 3, level <= 2 ? 10 : 100, random);
    std::vector<int64_t> sorted = numbers;
    std::sort(sorted.begin(), sorted.end());
    std::vector<int64_t> guess = sorted;
    while (guess == sorted) guess = Shuffled(guess, random);
    TaskProblem problem;
    problem.canonical = absl::StrJoin(numbers, " ");
    problem.question = absl::StrCat("Sort ", problem.canonical, " ascending.");
    problem.reasoning = Working(numbers);
    problem.answer = absl::StrJoin(sorted, " ");
    problem.guess = absl::StrJoin(guess, " ");
    problem.metadata_json = "{}";
    return problem;
  }
};

}  // namespace

const TaskFamily& SortingFamily() {
  static const Sorting* const family = new Sorting;
  return *family;
}

}  // namespace grpo
