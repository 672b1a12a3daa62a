#include "data/task.h"

#include "data/check.h"
#include "data/tasks/families.h"

namespace grpo {
namespace {

constexpr uint64_t kHeldOutOneIn = 8;
// With one problem in eight held out, failing so often means that the family has no such problem.
constexpr int kMaxRejections = 1000000;

// FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/
uint64_t Fnv1a(uint64_t hash, absl::string_view text) {
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3ull;
  return hash;
}

}  // namespace

const std::vector<const TaskFamily*>& TaskFamilies() {
  static const auto* const families = new std::vector<const TaskFamily*>{
      &AdditionFamily(), &SubtractionFamily(), &MultiplicationFamily(), &ChainFamily(),
      &EquationFamily(), &CountdownFamily(),   &SortingFamily(),        &CountingFamily(),
  };
  return *families;
}

const TaskFamily* FindTaskFamily(absl::string_view name) {
  for (const TaskFamily* family : TaskFamilies()) {
    if (family->name() == name) return family;
  }
  return nullptr;
}

TaskSplit SplitOf(absl::string_view family, absl::string_view canonical) {
  uint64_t hash = Fnv1a(0xCBF29CE484222325ull, family);
  hash = Fnv1a(Fnv1a(hash, "\n"), canonical);
  return MixSeed(hash, 0) % kHeldOutOneIn == 0 ? TaskSplit::kHeldOut : TaskSplit::kTrain;
}

TaskProblem GenerateInSplit(const TaskFamily& family, int level, TaskSplit split,
                            RandomStream& random) {
  for (int rejections = 0; rejections < kMaxRejections; ++rejections) {
    TaskProblem problem = family.Generate(level, random);
    if (SplitOf(family.name(), problem.canonical) == split) return problem;
  }
  GRPO_CHECK(!"a family has problems in both splits");
  return {};
}

}  // namespace grpo
