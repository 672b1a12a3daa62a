// How often a word occurs in a lettered list. The trace walks through the list with the number of
// occurrences so far; the letters tell its place among equal words. No two different questions
// count as equal.
#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/tasks/families.h"

namespace grpo {
namespace {

constexpr const char* kWords[] = {"cat", "dog", "sun",  "cup",  "hat",  "key",  "box",  "pen",
                                  "map", "bus", "tree", "fish", "bird", "lamp", "shoe", "ring"};

// The first `kinds` of a shuffled word list.
std::vector<std::string> Kinds(int kinds, RandomStream& random) {
  std::vector<std::string> words(std::begin(kWords), std::end(kWords));
  for (int i = 0; i < kinds; ++i) {
    std::swap(words[i], words[i + random.Below(words.size() - i)]);
  }
  words.resize(kinds);
  return words;
}

class Counting : public TaskFamily {
 public:
  absl::string_view name() const override { return "counting"; }
  absl::string_view description() const override {
    return "occurrences of a word in a list; level L: 4+2L words of L+2 kinds (over 100000 "
           "problems at level 1)";
  }
  int max_level() const override { return 8; }

  TaskProblem Generate(int level, RandomStream& random) const override {
    const int length = 4 + 2 * level;
    const std::vector<std::string> kinds = Kinds(level + 2, random);
    // One digit, so that every item of the trace has the same number of tokens.
    const int count = static_cast<int>(random.Between(1, std::min(9, length - 1)));
    std::vector<std::string> list(count, kinds[0]);
    while (static_cast<int>(list.size()) < length) {
      list.push_back(kinds[1 + random.Below(kinds.size() - 1)]);
    }
    for (int i = 0; i < length; ++i) std::swap(list[i], list[i + random.Below(length - i)]);

    TaskProblem problem;
    std::vector<std::string> items;
    int so_far = 0;
    for (const std::string& word : list) {
      items.push_back(absl::StrCat(std::string(1, 'a' + items.size()), " ", word));
      if (word == kinds[0]) ++so_far;
      absl::StrAppend(&problem.reasoning, items.size() == 1 ? "" : " ", items.back(), so_far);
    }
    problem.question = absl::StrCat("Count ", kinds[0], " in ", absl::StrJoin(items, ", "), ".");
    problem.answer = absl::StrCat(count);
    problem.guess = absl::StrCat(random.Below(2) == 0 ? count - 1 : count + 1);
    problem.metadata_json = "{}";
    problem.canonical = problem.question;
    return problem;
  }
};

}  // namespace

const TaskFamily& CountingFamily() {
  static const Counting* const family = new Counting;
  return *family;
}

}  // namespace grpo
