// The loop: imitation (sft), reinforcement (grpo), evaluation, and everything needed to go on after
// a kill.
//
//   for each step:
//       evaluate when due
//       groups  = sample P prompts, G completions each; score; refill groups without signal
//       samples = group-relative advantages
//       update  = one or more optimizer steps
//       record; checkpoint when due
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "rl/batch_builder.h"
#include "rl/eval/suite_result.h"
#include "rl/learner.h"
#include "rl/progress.h"
#include "rl/prompt_pools.h"
#include "rl/recipe.h"
#include "rl/recorder.h"
#include "rl/run_parts.h"

namespace grpo {

// Where a run stands; with the tensors of a checkpoint, all there is to it.
struct TrainState {
  int stage = 0;                    // index into run.stages
  int64_t stage_step = 0;           // steps done of that stage
  int64_t total_steps = 0;          // of all stages, names checkpoints
  std::string cursor;               // of the stage's prompts; empty at their beginning
  int64_t evaluated_step = -1;      // last grpo step whose evaluation is in the metrics
  int64_t refreshed_step = -1;      // last grpo step before which the reference was refreshed
  int64_t sampled_step = -1;        // last grpo step whose policy is among those that sample
  int64_t best_step = -1;           // total_steps of the best policy evaluated in training
  double best_pass_rate = -1;       // its
  std::vector<SuiteResult> before;  // of each evaluation, before grpo; empty: not yet
  std::vector<SuiteResult> after;   // and after it
};

class Trainer {
 public:
  // `parts`, `recorder` and `progress` must outlive the trainer.
  Trainer(const Recipe& recipe, RunParts& parts, Recorder& recorder, Progress& progress,
          const std::atomic<bool>& interrupted);

  // Goes on from a checkpoint folder whose weights are already in `parts`.
  absl::Status Restore(const std::string& checkpoint);

  // All stages. CancelledError when interrupted: the last finished step is in a checkpoint.
  absl::Status Run();

  // Keeps what was done since the newest checkpoint; also after Run() was interrupted between or
  // inside steps.
  absl::Status SaveCheckpoint();

  const TrainState& state() const { return state_; }
  // Wall-clock seconds of this process by phase, in order of first use.
  const std::vector<std::pair<std::string, double>>& seconds() const { return seconds_; }

 private:
  struct CollectedGroups {
    std::vector<ScoredGroup> all;          // everything sampled in the step
    std::vector<ScoredGroup> informative;  // at most prompts_per_step groups with signal
    int refills = 0;
    double rollout_seconds = 0;
    double score_seconds = 0;
  };

  absl::Status RunStage(const std::string& stage);
  std::unique_ptr<Optimizer> MakeOptimizer(const std::string& stage) const;
  absl::Status RunSft();
  absl::Status RunGrpo();
  absl::Status RunEval();

  absl::Status SftStep(int64_t step);
  absl::Status GrpoStep(int64_t step);
  // The policy that samples in this step, which is not the learner's where rollouts lag.
  Weights SamplingPolicy();
  absl::StatusOr<CollectedGroups> CollectGroups(int64_t step);
  absl::StatusOr<std::vector<UpdateStats>> UpdatePolicy(StepSamples step);
  // Of an update that was skipped, for `grpo loss`.
  absl::Status RecordSkipped(const StepBatch& batch, const std::vector<size_t>& samples);
  void AdaptEntropyBonus(const std::vector<UpdateStats>& updates);
  absl::Status EvaluateWhenDue(int64_t step);
  void RefreshReferenceWhenDue(int64_t step);

  // All evaluations, each on its first `limit` problems (0: all).
  absl::StatusOr<std::vector<SuiteResult>> Evaluate(size_t limit, const char* label, int64_t step);
  absl::StatusOr<SuiteResult> EvaluateOn(const Evaluation& evaluation, const Weights& policy,
                                         const std::string& policy_digest, size_t limit,
                                         const std::string& label, int64_t step);
  absl::Status StepDone(int64_t stage_steps, const std::string& cursor);
  absl::Status CheckInterrupt() const;
  void AddSeconds(const std::string& phase, double seconds);

  const Recipe& recipe_;
  RunParts& parts_;
  Recorder& recorder_;
  Progress& progress_;
  const std::atomic<bool>& interrupted_;
  Learner learner_;
  PromptPools pools_;
  std::unique_ptr<Optimizer> optimizer_;  // of the running stage
  std::optional<Weights> reference_;      // of the KL term
  std::deque<Weights> sampling_;          // policies of this and the last rollout_lag steps
  bool said_smaller_ = false;             // that a step learns from fewer prompts than asked for
  double entropy_coef_;                   // of the next step
  TrainState state_;
  absl::Time saved_ = absl::Now();  // when the last checkpoint was written
  std::vector<std::pair<std::string, double>> seconds_;
};

}  // namespace grpo
