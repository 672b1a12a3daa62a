// Problems made to measure: families of tasks with a difficulty dial, a checkable answer and a
// written reasoning trace. They feed the cold start, the rollouts and the held-out evaluation of
// the quickstart.
//
// The traces are for small policies whose tokenizer keeps digits apart: every step follows from a
// few earlier tokens by copying and a small table, and the problems of one level have the same
// layout, so that no step asks for a position to be found by counting.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "data/random.h"

namespace grpo {

// One generated problem.
struct TaskProblem {
  std::string question;   // "Compute 47+85."
  std::string reasoning;  // the working, step by step, without tags: "7+5+0=12 4+8+1=13"
  std::string answer;     // what a checker accepts as right: "132"
  std::string guess;      // an answer that somebody who does not work it out might give; wrong in
                          // at least nine of ten problems
  std::string metadata_json;  // what a checker needs beyond the answer (countdown: the numbers);
                              // "{}" if nothing
  std::string canonical;      // equal for problems that differ in writing only ("47+85" also for
                              // 85+47); each family's file says what it counts as equal
};

// A family of problems.
class TaskFamily {
 public:
  virtual ~TaskFamily() = default;
  virtual absl::string_view name() const = 0;
  virtual absl::string_view description() const = 0;  // one line, with what the levels mean
  virtual int max_level() const = 0;                  // levels are 1 to max_level
  // A random problem of the level. A pure function of the level and the stream.
  virtual TaskProblem Generate(int level, RandomStream& random) const = 0;
};

// All families, in a fixed order.
const std::vector<const TaskFamily*>& TaskFamilies();
// nullptr where there is none of that name.
const TaskFamily* FindTaskFamily(absl::string_view name);

enum class TaskSplit { kTrain, kHeldOut };

// Decides by a 64-bit hash (FNV-1a, mixed) of the family and TaskProblem::canonical, so that no
// problem is ever in both splits, whatever the seed and the level: about one problem in eight is
// held out.
TaskSplit SplitOf(absl::string_view family, absl::string_view canonical);

// A random problem of the wanted split, by rejection.
TaskProblem GenerateInSplit(const TaskFamily& family, int level, TaskSplit split,
                            RandomStream& random);

}  // namespace grpo
