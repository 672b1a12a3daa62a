#include "reward/scorer.h"

#include <cmath>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/check.h"
#include "data/status_macros.h"
#include "reward/checker_pool.h"

namespace grpo {
namespace {

// A copy of what a checker looks at, so that a call that outlives its deadline still finds it.
struct Sample {
  std::shared_ptr<const Prompt> prompt;
  std::string completion;
  int num_tokens = 0;
  int max_tokens = 0;
  FinishReason finish = FinishReason::kStop;
};

CheckerPool::Call MakeCall(std::shared_ptr<const Sample> sample,
                           std::shared_ptr<const Reward> reward) {
  return [sample = std::move(sample), reward = std::move(reward)](const Deadline& deadline) {
    return reward->Score({*sample->prompt, sample->completion, sample->num_tokens,
                          sample->max_tokens, sample->finish},
                         deadline);
  };
}

// The sum over the rewards; the worst state of all.
Score Sum(std::vector<RewardResult> results, const std::vector<double>& weights) {
  Score score;
  for (size_t i = 0; i < results.size(); ++i) {
    score.reward += weights[i] * results[i].score;
    if (results[i].state == RewardState::kError) score.state = RewardState::kError;
    if (results[i].state == RewardState::kInvalid && score.state == RewardState::kScored) {
      score.state = RewardState::kInvalid;
    }
  }
  if (!std::isfinite(score.reward)) score.state = RewardState::kError;
  if (score.state != RewardState::kScored) score.reward = 0;
  score.correct =
      !results.empty() && results[0].state == RewardState::kScored && results[0].score >= 1;
  score.results = std::move(results);
  return score;
}

class PooledScorer : public Scorer {
 public:
  PooledScorer(std::vector<std::unique_ptr<Reward>> rewards, std::vector<double> weights,
               const ScorerConfig& config)
      : weights_(std::move(weights)),
        pool_(config.threads, absl::Seconds(config.deadline_seconds)) {
    GRPO_CHECK(rewards.size() == weights_.size());
    for (std::unique_ptr<Reward>& reward : rewards) {
      names_.emplace_back(reward->name());
      rewards_.push_back(std::move(reward));
    }
  }

  const std::vector<std::string>& reward_names() const override { return names_; }

  std::vector<ScoredGroup> Score(std::vector<RolloutGroup> groups, int max_tokens) override {
    std::vector<RewardResult> results = pool_.Run(Calls(groups, max_tokens));
    std::vector<ScoredGroup> scored;
    scored.reserve(groups.size());
    size_t next = 0;
    for (RolloutGroup& group : groups) {
      ScoredGroup& out = scored.emplace_back();
      for (size_t i = 0; i < group.rollouts.size(); ++i) {
        std::vector<RewardResult> of_sample;
        for (const std::string& name : names_) {
          of_sample.push_back(Checked(std::move(results[next++]), name));
        }
        out.scores.push_back(Sum(std::move(of_sample), weights_));
      }
      out.group = std::move(group);
    }
    return scored;
  }

 private:
  // Every reward for every sample, the rewards of a sample one after the other.
  std::vector<CheckerPool::Call> Calls(const std::vector<RolloutGroup>& groups,
                                       int max_tokens) const {
    std::vector<CheckerPool::Call> calls;
    for (const RolloutGroup& group : groups) {
      const auto prompt = std::make_shared<const Prompt>(group.prompt);
      for (const Rollout& rollout : group.rollouts) {
        const auto sample = std::make_shared<const Sample>(
            Sample{prompt, rollout.text, static_cast<int>(rollout.tokens.size()), max_tokens,
                   rollout.finish});
        for (const auto& reward : rewards_) calls.push_back(MakeCall(sample, reward));
      }
    }
    return calls;
  }

  // An error says whose it is, and a score that is no number is one.
  static RewardResult Checked(RewardResult result, const std::string& name) {
    if (result.state == RewardState::kScored && !std::isfinite(result.score)) {
      result = RewardResult::Error(absl::StrCat("gave the score ", result.score));
    }
    if (result.state == RewardState::kError)
      result.reason = absl::StrCat(name, ": ", result.reason);
    if (result.state != RewardState::kScored) result.score = 0;
    return result;
  }

  std::vector<std::string> names_;
  std::vector<std::shared_ptr<const Reward>> rewards_;
  const std::vector<double> weights_;
  CheckerPool pool_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<Scorer>> Scorer::Create(const std::vector<RewardSpec>& specs,
                                                       const ScorerConfig& config) {
  if (specs.empty()) {
    return absl::InvalidArgumentError(
        "no [[reward]] in the recipe; name at least one checker, the first decides what passes");
  }
  if (config.threads < 1 || config.threads > 1024 ||
      !(config.deadline_seconds > 0 && config.deadline_seconds <= 86400)) {
    return absl::InvalidArgumentError(
        absl::StrCat("scorer: expected 1 to 1024 threads and a deadline of up to 86400 seconds, "
                     "found ",
                     config.threads, " threads and ", config.deadline_seconds, " seconds"));
  }
  std::vector<std::unique_ptr<Reward>> rewards;
  std::vector<double> weights;
  for (size_t i = 0; i < specs.size(); ++i) {
    absl::StatusOr<std::unique_ptr<Reward>> reward = MakeReward(specs[i]);
    if (!reward.ok()) {
      return absl::Status(reward.status().code(),
                          absl::StrCat("reward ", i, ": ", reward.status().message()));
    }
    rewards.push_back(*std::move(reward));
    weights.push_back(specs[i].weight);
  }
  return FromRewards(std::move(rewards), std::move(weights), config);
}

std::unique_ptr<Scorer> Scorer::FromRewards(std::vector<std::unique_ptr<Reward>> rewards,
                                            std::vector<double> weights,
                                            const ScorerConfig& config) {
  return std::make_unique<PooledScorer>(std::move(rewards), std::move(weights), config);
}

}  // namespace grpo
