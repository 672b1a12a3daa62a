#include "rl/step_metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"

#include "rl/router_bias.h"

namespace grpo {
namespace {

struct Moments {
  double sum = 0, squares = 0, low = 1e300, high = -1e300;
  int64_t count = 0;
  void Add(double value) {
    sum += value;
    squares += value * value;
    low = std::min(low, value);
    high = std::max(high, value);
    ++count;
  }
  double Mean() const { return count == 0 ? 0 : sum / count; }
  double Deviation() const {
    return count < 2 ? 0 : std::sqrt(std::max(0.0, (squares - sum * sum / count) / (count - 1)));
  }
  double Low() const { return count == 0 ? 0 : low; }
  double High() const { return count == 0 ? 0 : high; }
};

// Parts of one reward whose metrics are kept; what a plugin makes up beyond that is left out.
constexpr size_t kMostParts = 64;

// What one reward said of the completions to which it applies.
struct RewardMoments {
  Moments score;
  std::map<std::string, Moments> parts;
  void Add(const RewardResult& result) {
    if (result.state != RewardState::kScored) return;
    score.Add(result.score);
    for (const auto& [name, value] : result.parts) {
      const auto part = parts.find(name);
      if (part != parts.end()) {
        part->second.Add(value);
      } else if (parts.size() < kMostParts) {
        parts[name].Add(value);
      }
    }
  }
};

void AddRewardMetrics(const std::vector<ScoredGroup>& groups, const std::vector<std::string>& names,
                      MetricList* metrics) {
  Moments reward, deviation;
  std::vector<RewardMoments> by_name(names.size());
  int64_t invalid = 0, errors = 0, correct = 0, samples = 0, zero_signal = 0;
  for (const ScoredGroup& group : groups) {
    Moments within;
    for (const Score& score : group.scores) {
      ++samples;
      correct += score.correct;
      invalid += score.state == RewardState::kInvalid;
      errors += score.state == RewardState::kError;
      if (score.state != RewardState::kScored) continue;
      reward.Add(score.reward);
      within.Add(score.reward);
      for (size_t i = 0; i < names.size(); ++i) by_name[i].Add(score.results[i]);
    }
    deviation.Add(within.Deviation());
    zero_signal += within.count < 2 || within.low == within.high;
  }
  metrics->Add("reward", reward.Mean());
  metrics->Add("reward_std", deviation.Mean());
  metrics->Add("frac_reward_zero_std",
               groups.empty() ? 0.0 : static_cast<double>(zero_signal) / groups.size());
  metrics->Add("pass_rate", samples == 0 ? 0.0 : static_cast<double>(correct) / samples);
  for (size_t i = 0; i < names.size(); ++i) {
    const std::string prefix = absl::StrCat("rewards/", names[i], "/");
    metrics->Add(absl::StrCat(prefix, "mean"), by_name[i].score.Mean());
    metrics->Add(absl::StrCat(prefix, "std"), by_name[i].score.Deviation());
    for (const auto& [part, moments] : by_name[i].parts) {
      metrics->Add(absl::StrCat(prefix, "parts/", part), moments.Mean());
    }
  }
  metrics->Add("rewards/invalid", invalid);
  metrics->Add("rewards/errors", errors);
  metrics->Add("critic/score/mean", reward.Mean());
  metrics->Add("critic/score/max", reward.High());
  metrics->Add("critic/score/min", reward.Low());
}

void AddLengthMetrics(const std::vector<ScoredGroup>& groups, MetricList* metrics) {
  Moments all, terminated;
  for (const ScoredGroup& group : groups) {
    for (const Rollout& rollout : group.group.rollouts) {
      all.Add(rollout.tokens.size());
      if (rollout.finish == FinishReason::kStop) terminated.Add(rollout.tokens.size());
    }
  }
  const double clipped = all.count == 0 ? 0 : 1 - static_cast<double>(terminated.count) / all.count;
  metrics->Add("num_completions", all.count);
  metrics->Add("completions/mean_length", all.Mean());
  metrics->Add("completions/min_length", all.Low());
  metrics->Add("completions/max_length", all.High());
  metrics->Add("completions/mean_terminated_length", terminated.Mean());
  metrics->Add("completions/clipped_ratio", clipped);
  metrics->Add("response_length/mean", all.Mean());
  metrics->Add("response_length/clip_ratio", clipped);
}

}  // namespace

void AddRolloutMetrics(const std::vector<ScoredGroup>& groups,
                       const std::vector<std::string>& reward_names, MetricList* metrics) {
  AddRewardMetrics(groups, reward_names, metrics);
  AddLengthMetrics(groups, metrics);
}

void AddUpdateMetrics(const std::vector<UpdateStats>& updates, MetricList* metrics) {
  metrics->Add("num_updates", static_cast<int64_t>(updates.size()));
  if (updates.empty()) return;
  ObjectiveSums sums;
  double norm = 0;
  int64_t skipped = 0;
  for (const UpdateStats& update : updates) {
    sums.Add(update.sums);
    norm += update.optimizer.grad_norm / updates.size();
    skipped += update.optimizer.skipped;
  }
  const double tokens = std::max<int64_t>(1, sums.tokens), loss = sums.loss / updates.size();
  metrics->Add("num_tokens", sums.tokens);
  metrics->Add("policy_loss", loss);
  metrics->Add("entropy", sums.entropy / tokens);
  metrics->Add("kl", sums.kl / tokens);
  metrics->Add("grad_norm", norm);
  metrics->Add("learning_rate", updates.back().optimizer.learning_rate);
  metrics->Add("skipped_updates", skipped);
  metrics->Add("clip_ratio/low_mean", sums.clipped_low / tokens);
  metrics->Add("clip_ratio/high_mean", sums.clipped_high / tokens);
  metrics->Add("clip_ratio/region_mean", (sums.clipped_low + sums.clipped_high) / tokens);
  if (!sums.load.empty()) {
    metrics->Add("router/max_violation", MaxViolation(sums.load));
    metrics->Add("router/unused_experts", UnusedExperts(sums.load));
    metrics->Add("router/sequence_balance_loss", sums.router.sequence_balance / updates.size());
    metrics->Add("router/global_balance_loss", sums.router.global_balance / updates.size());
    metrics->Add("router/z_loss", sums.router.z / updates.size());
  }
  metrics->Add("off_policy/weight_mean", sums.correction / tokens);
  metrics->Add("off_policy/truncated_ratio", sums.correction_truncated / tokens);
  metrics->Add("off_policy/masked_ratio", sums.correction_masked / tokens);
  metrics->Add("actor/entropy", sums.entropy / tokens);
  metrics->Add("actor/grad_norm", norm);
  metrics->Add("actor/pg_loss", loss);
  metrics->Add("actor/pg_clipfrac", (sums.clipped_low + sums.clipped_high) / tokens);
  metrics->Add("actor/ppo_kl", sums.behavior_kl / tokens);
  const ObjectiveSums& first = updates.front().sums;
  const double first_tokens = std::max<int64_t>(1, first.tokens);
  metrics->Add("sampling/sampling_logp_difference/mean", first.difference / first_tokens);
  metrics->Add("sampling/sampling_logp_difference/max", first.difference_max);
  metrics->Add("sampling/sampling_logp_difference/fraction_nonzero",
               first.different / first_tokens);
  metrics->Add("routing/agreement",
               first.routed == 0 ? 1.0 : static_cast<double>(first.routed_alike) / first.routed);
  metrics->Add("sampling/importance_sampling_ratio/min", first.ratio_min);
  metrics->Add("sampling/importance_sampling_ratio/mean", first.ratio / first_tokens);
  metrics->Add("sampling/importance_sampling_ratio/max", first.ratio_max);
}

double MeanReward(const std::vector<ScoredGroup>& groups) {
  Moments reward;
  for (const ScoredGroup& group : groups) {
    for (const Score& score : group.scores) {
      if (score.state == RewardState::kScored) reward.Add(score.reward);
    }
  }
  return reward.Mean();
}

double PassRate(const std::vector<ScoredGroup>& groups) {
  Moments correct;
  for (const ScoredGroup& group : groups) {
    for (const Score& score : group.scores) correct.Add(score.correct);
  }
  return correct.Mean();
}

int64_t CompletionTokens(const std::vector<ScoredGroup>& groups) {
  int64_t tokens = 0;
  for (const ScoredGroup& group : groups) {
    for (const Rollout& rollout : group.group.rollouts) tokens += rollout.tokens.size();
  }
  return tokens;
}

}  // namespace grpo
