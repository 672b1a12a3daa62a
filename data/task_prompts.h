// The task families as a source of prompts: a weighted mixture, made while it is read.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "data/prompt.h"
#include "data/prompt_source.h"
#include "data/task.h"

namespace grpo {

// One family of the mixture.
struct TaskShare {
  std::string family;  // a name out of TaskFamilies()
  int level = 1;       // 1 to the family's max_level()
  double weight = 1;   // share in the mixture, relative to the others'; 0 leaves it out
};

struct TaskPromptsOptions {
  std::vector<TaskShare> mixture;
  uint64_t seed = 1;
  TaskSplit split = TaskSplit::kTrain;
  int rank = 0;            // of this process, 0 to world_size - 1
  int world_size = 1;      // draw n goes to rank n mod world_size
  double hasty_share = 0;  // of the demonstrations: a guess in the place of the working, 0 to 1
};

// Endless. Draw n (its family, problem and demonstration) is a pure function of the seed and n. A
// prompt's id is n and its name "family/level/n". The demonstration is
//   <think>REASONING</think><answer>ANSWER</answer>
// or, in a share of `hasty_share`, <think>I guess.</think><answer>GUESS</answer>.
// The cursor is {"draw": n}, n the next draw over all ranks; every rank has the same.
class TaskPrompts : public PromptSource {
 public:
  // An error names the entry of the mixture, what was found and what is known.
  static absl::StatusOr<std::unique_ptr<TaskPrompts>> Create(TaskPromptsOptions options);

  absl::StatusOr<std::vector<Prompt>> Next(int count) override;
  std::string Cursor() const override;
  absl::Status Restore(const std::string& cursor) override;

 private:
  explicit TaskPrompts(TaskPromptsOptions options) : options_(std::move(options)) {}
  Prompt Draw(uint64_t number) const;

  const TaskPromptsOptions options_;
  uint64_t next_draw_ = 0;
};

// `count` held-out problems, no question twice, with worked demonstrations. None is equal (by
// TaskProblem::canonical) to a training problem; two of them may be equal to each other. The
// families take turns in proportion to their weights; ids are 0 to count - 1. An error where a
// family cannot give enough different ones.
absl::StatusOr<std::vector<Prompt>> HeldOutProblems(const std::vector<TaskShare>& mixture,
                                                    int count, uint64_t seed);

}  // namespace grpo
