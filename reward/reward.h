// The interface of a reward checker, and what it says of one completion.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"

#include "data/prompt.h"
#include "data/rollout.h"

namespace grpo {

// An error is never a zero: each state has its own policy in the recipe and its own metric.
enum class RewardState {
  kScored,         // `score` holds
  kInvalid,        // the task or its ground truth is unusable: nothing is said about the completion
  kError,          // the checker crashed, ran out of time or its sandbox broke
  kNotApplicable,  // the checker is not for such prompts: it takes no part in the reward
};

struct RewardResult {
  RewardState state = RewardState::kScored;
  double score = 0;    // meaningful when scored
  std::string reason;  // one line for a person: "answer 132 equals 132", "no <answer> tag"
  std::vector<std::pair<std::string, double>> parts;  // named parts of the score, for metrics
  int64_t microseconds = 0;  // that the call took; set by whoever made it, not by the checker
  // What the checker took for the completion's answer, as a vote among several completions; empty
  // where it found none, or looks for none.
  std::string answer;

  static RewardResult Scored(double score, std::string reason) {
    return {RewardState::kScored, score, std::move(reason), {}, 0, ""};
  }
  static RewardResult ScoredAnswer(double score, std::string reason, std::string answer) {
    return {RewardState::kScored, score, std::move(reason), {}, 0, std::move(answer)};
  }
  static RewardResult Invalid(std::string reason) {
    return {RewardState::kInvalid, 0, std::move(reason), {}, 0, ""};
  }
  static RewardResult Error(std::string reason) {
    return {RewardState::kError, 0, std::move(reason), {}, 0, ""};
  }
  static RewardResult NotApplicable(std::string reason) {
    return {RewardState::kNotApplicable, 0, std::move(reason), {}, 0, ""};
  }
};

// What a checker may look at. References live as long as the call.
struct RewardRequest {
  const Prompt& prompt;
  absl::string_view completion;  // decoded text without the stop token
  int num_tokens = 0;            // of the completion
  int max_tokens = 0;            // the token budget it was sampled under
  FinishReason finish = FinishReason::kStop;
};

// Tells a checker when to give up. Cheap to ask.
class Deadline {
 public:
  Deadline(absl::Time time, const std::atomic<bool>* cancelled)
      : time_(time), cancelled_(cancelled) {}
  static Deadline Never() { return Deadline(absl::InfiniteFuture(), nullptr); }
  bool Passed() const {
    return (cancelled_ != nullptr && cancelled_->load(std::memory_order_relaxed)) ||
           (time_ != absl::InfiniteFuture() && absl::Now() >= time_);
  }

 private:
  absl::Time time_;
  const std::atomic<bool>* cancelled_;
};

// Immutable after creation; Score() is called from many threads at once. Checkers are pure
// functions of the request: no clocks, no randomness. A long computation asks deadline.Passed() now
// and then and returns RewardResult::Error when it has.
class Reward {
 public:
  virtual ~Reward() = default;
  virtual absl::string_view name() const = 0;
  virtual RewardResult Score(const RewardRequest& request, const Deadline& deadline) const = 0;
  // How long a call may take by limits of the checker's own, zero where it has none: with a shorter
  // deadline, what the checker would have called wrong would be an error.
  virtual absl::Duration LongestCall() const { return absl::ZeroDuration(); }
};

}  // namespace grpo
