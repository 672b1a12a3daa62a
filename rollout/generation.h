// The loop that samples: plan, forward, draws, by a team of threads, until nothing is left. Groups
// may come and be given up while it runs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

#include "data/rollout.h"
#include "data/tokenizer.h"
#include "policy/packed_weights.h"
#include "rollout/batch_forward.h"
#include "rollout/paged_cache.h"
#include "rollout/rollout_stats.h"
#include "rollout/sampling.h"
#include "rollout/scheduler.h"
#include "rollout/stop_strings.h"
#include "rollout/thinking_budget.h"
#include "rollout/token_sampler.h"

namespace grpo {

struct GenerationOptions {
  int threads = 2;
  SchedulerLimits scheduler;
  CacheLimits cache;
  SamplingConfig sampling;
  uint64_t seed = 0;
  bool ignore_ends = false;                      // completions take their whole budget
  const std::atomic<bool>* cancelled = nullptr;  // gives everything up when it becomes true
};

class Generation {
 public:
  // The policy must stay as it is and where it is.
  static absl::StatusOr<std::unique_ptr<Generation>> Create(
      const Weights& weights, const PackedWeights& packed,
      std::shared_ptr<const Tokenizer> tokenizer, std::vector<int32_t> end_tokens,
      const GenerationOptions& options);

  // What follows up to Run may be called by any thread at any time.

  // Samples the group's rollouts, of which the prompt tokens and who they are are there. Returns a
  // number for it.
  int64_t Submit(RolloutGroup group);
  // Gives the group with this number up, unless it is finished: it will not come out of Next.
  void Cancel(int64_t number);
  // No more groups will come: Run returns when those that came are finished.
  void Close();
  // Gives everything up: Run returns soon.
  void Abandon();
  // The next group that is finished, in the order in which they are. Waits for one; nothing when
  // none will come. Fails when Run has.
  struct Finished {
    int64_t number;
    RolloutGroup group;
  };
  absl::StatusOr<absl::optional<Finished>> Next();

  // Samples until everything is done; called once.
  absl::Status Run();

  // After Run.
  void AddTo(RolloutStats& stats) const;

 private:
  // Where a completion stands beside its tokens.
  struct Progress {
    StopStrings::Progress stop;
    ThinkingBudget::Progress thinking;
  };
  struct Job {
    int64_t number;
    RolloutGroup group;
    std::vector<Progress> progress;  // of each rollout
  };
  struct alignas(64) ThreadState {
    TokenSampler sampler;
    double sampling_seconds = 0;
  };

  Generation(const Weights& weights, const PackedWeights& packed,
             std::shared_ptr<const Tokenizer> tokenizer, std::vector<int32_t> end_tokens,
             const GenerationOptions& options, ThinkingBudget thinking);

  bool Step(int thread);
  void Plan();
  bool TakeArrivals(bool idle) ABSL_LOCKS_EXCLUDED(mutex_);
  void CountForward();
  void Advance();
  void Draw(int thread, Scheduler::Draw& draw);
  bool DrawToken(int thread, const Scheduler::Draw& draw, int logits);
  void Record(Rollout& rollout, const SampledToken& token, bool forced) const;
  Progress& ProgressOf(const Scheduler::Draw& draw);

  const GenerationOptions options_;
  const std::shared_ptr<const Tokenizer> tokenizer_;
  const std::vector<int32_t> end_tokens_;
  const StopStrings stop_strings_;
  const ThinkingBudget thinking_;
  PagedCache cache_;
  Scheduler scheduler_;
  BatchForward forward_;
  TeamBarrier barrier_;
  std::vector<std::unique_ptr<ThreadState>> threads_;
  // Of the team alone: the first thread's between steps, all threads' to read during one.
  absl::flat_hash_map<const RolloutGroup*, std::unique_ptr<Job>> jobs_;
  bool more_ = true;
  absl::Time step_start_, forwarded_;
  RolloutStats times_;
  double planning_seconds_ = 0;

  // Not Abseil's, of which ThreadSanitizer sees nothing where a distribution has built it.
  std::mutex mutex_;
  std::condition_variable news_;      // for the team: arrivals_, closed_, abandoned_
  std::condition_variable finishes_;  // for Next: finished_, done_
  std::deque<std::unique_ptr<Job>> arrivals_ ABSL_GUARDED_BY(mutex_);
  std::vector<int64_t> cancelled_ ABSL_GUARDED_BY(mutex_);
  std::deque<Finished> finished_ ABSL_GUARDED_BY(mutex_);
  int64_t submitted_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool abandoned_ ABSL_GUARDED_BY(mutex_) = false;
  bool done_ ABSL_GUARDED_BY(mutex_) = false;  // Run has returned
  absl::Status run_status_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace grpo
