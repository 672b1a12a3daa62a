#include "rl/batch_builder.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>

#include "data/random.h"
#include "data/status_macros.h"
#include "rl/objective/aggregation.h"
#include "rl/objective/kl.h"

namespace grpo {
namespace {

std::string ReasonOf(const Score& score) {
  for (const RewardResult& result : score.results) {
    if (result.state == score.state) return result.reason;
  }
  return "no reward of the recipe applies to it";
}

}  // namespace

absl::Status CheckErrorShare(const GrpoConfig& config, const std::vector<ScoredGroup>& groups) {
  int64_t samples = 0, errors = 0;
  std::string reason;
  for (const ScoredGroup& group : groups) {
    for (const Score& score : group.scores) {
      ++samples;
      if (score.state != RewardState::kError) continue;
      if (++errors == 1) reason = ReasonOf(score);
    }
  }
  if (errors <= config.max_error_share * samples) return absl::OkStatus();
  return absl::FailedPreconditionError(absl::StrCat(
      "reward checkers failed for ", errors, " of ", samples, " completions of the step, above ",
      "grpo.max_error_share ", config.max_error_share, "; the first: ", reason));
}

absl::StatusOr<GroupRewards> UsableRewards(const GrpoConfig& config, const ScoredGroup& group) {
  GroupRewards usable;
  for (const Score& score : group.scores) {
    const bool fails = (score.state == RewardState::kInvalid && config.on_invalid == "fail") ||
                       (score.state == RewardState::kError && config.on_error == "fail");
    if (fails) {
      const bool invalid = score.state == RewardState::kInvalid;
      return absl::FailedPreconditionError(absl::StrCat(
          "prompt ", group.group.prompt.name, ": ",
          invalid ? "the task is invalid" : "a reward checker failed", ": ", ReasonOf(score),
          " (the run stops because grpo.", invalid ? "on_invalid" : "on_error",
          " is \"fail\"; \"drop\" leaves such samples out)"));
    }
    usable.rewards.push_back(score.normalized.value_or(score.reward));
    usable.valid.push_back(score.state == RewardState::kScored);
  }
  return usable;
}

void PermuteRewards(uint64_t seed, std::vector<ScoredGroup>& groups) {
  for (ScoredGroup& group : groups) {
    RandomStream random(MixSeed(seed, 0x9e7), group.group.prompt.id);
    for (size_t i = group.scores.size(); i > 1; --i)
      std::swap(group.scores[i - 1], group.scores[random.Below(i)]);
  }
}

TrainingSample SampleOf(const RolloutGroup& group, size_t index) {
  const Rollout& rollout = group.rollouts[index];
  TrainingSample sample;
  sample.group = static_cast<int64_t>(group.prompt.id);
  sample.index = rollout.sample_index;
  sample.tokens = group.prompt_tokens;
  sample.prompt_length = static_cast<int>(sample.tokens.size());
  sample.tokens.insert(sample.tokens.end(), rollout.tokens.begin(), rollout.tokens.end());
  sample.behavior_logprobs = rollout.logprobs;
  sample.log_kept_mass = rollout.log_kept_mass;
  sample.forced = rollout.forced;
  sample.experts = group.prompt_experts;
  sample.experts.insert(sample.experts.end(), rollout.experts.begin(), rollout.experts.end());
  return sample;
}

absl::StatusOr<StepSamples> BuildSamples(const GrpoConfig& config,
                                         const std::vector<ScoredGroup>& groups) {
  StepSamples step;
  for (const ScoredGroup& scored : groups) {
    ASSIGN_OR_RETURN(const GroupRewards usable, UsableRewards(config, scored));
    step.outcomes.emplace_back();
    for (size_t i = 0; i < usable.rewards.size(); ++i) {
      if (!usable.valid[i]) continue;
      TrainingSample sample = SampleOf(scored.group, i);
      const bool masked =
          config.mask_truncated && scored.group.rollouts[i].finish == FinishReason::kLength;
      Outcome outcome;
      outcome.reward = usable.rewards[i];
      outcome.num_tokens = masked ? 0 : sample.NumLearned();
      if (outcome.num_tokens > 0) step.samples.push_back(std::move(sample));
      step.outcomes.back().push_back(outcome);
    }
  }
  return step;
}

namespace {

// kl_coef times the estimate, at each token of a sample that is learned from.
std::vector<double> DivergenceCosts(const ObjectiveConfig& config, const TrainingSample& sample,
                                    const std::vector<float>& reference) {
  std::vector<double> policy;
  for (size_t t = 0; t < sample.behavior_logprobs.size(); ++t) {
    if (sample.Learns(t)) policy.push_back(sample.behavior_logprobs[t]);
  }
  const at::Tensor logprobs = at::tensor(policy, at::kDouble);
  const at::Tensor costs =
      config.kl_coef * KlEstimate(config.kl_estimator, logprobs, logprobs,
                                  at::tensor(reference, at::kFloat).to(at::kDouble));
  const double* values = costs.const_data_ptr<double>();
  return std::vector<double>(values, values + costs.numel());
}

}  // namespace

void SetAdvantages(const GrpoConfig& config, StepSamples* step) {
  const ObjectiveConfig& objective = config.objective;
  const bool charged = objective.kl_coef > 0 && objective.kl_in == "reward";
  size_t sample = 0;
  for (std::vector<Outcome>& group : step->outcomes) {
    for (Outcome& outcome : group) {
      if (outcome.num_tokens == 0) continue;
      if (charged) {
        outcome.token_costs =
            DivergenceCosts(objective, step->samples[sample], step->reference_logprobs[sample]);
      }
      ++sample;
    }
  }
  const auto advantages = Advantages(objective.advantage, step->outcomes);
  sample = 0;
  for (size_t g = 0; g < advantages.size(); ++g) {
    for (size_t i = 0; i < advantages[g].size(); ++i) {
      if (step->outcomes[g][i].num_tokens > 0) step->samples[sample++].advantage = advantages[g][i];
    }
  }
}

namespace {

// 1 for the given share of a step's tokens, those of highest entropy; more where some are equal.
std::vector<std::vector<uint8_t>> SelectTopEntropy(const std::vector<std::vector<float>>& entropies,
                                                   double share) {
  std::vector<float> all;
  for (const std::vector<float>& row : entropies) all.insert(all.end(), row.begin(), row.end());
  std::vector<std::vector<uint8_t>> selected;
  if (all.empty()) return selected;
  const size_t count = static_cast<size_t>(std::ceil(share * static_cast<double>(all.size())));
  const auto last = all.begin() + static_cast<std::ptrdiff_t>(std::max<size_t>(count, 1) - 1);
  std::nth_element(all.begin(), last, all.end(), std::greater<float>());
  for (const std::vector<float>& row : entropies) {
    selected.emplace_back();
    for (const float entropy : row) selected.back().push_back(entropy >= *last);
  }
  return selected;
}

// Moves rows begin to end out of a table that may be empty.
template <typename Row>
std::vector<Row> MoveRows(std::vector<Row>& table, size_t begin, size_t end) {
  if (table.empty()) return {};
  return std::vector<Row>(std::make_move_iterator(table.begin() + begin),
                          std::make_move_iterator(table.begin() + end));
}

std::vector<int64_t> LearnedLengths(const std::vector<TrainingSample>& samples) {
  std::vector<int64_t> lengths;
  for (const TrainingSample& sample : samples) lengths.push_back(sample.NumLearned());
  return lengths;
}

}  // namespace

std::vector<StepBatch> SplitIntoBatches(const GrpoConfig& config, StepSamples step) {
  std::vector<std::vector<uint8_t>> selected;
  if (config.objective.top_entropy_share < 1) {
    selected = SelectTopEntropy(step.entropies, config.objective.top_entropy_share);
  }
  std::vector<StepBatch> batches;
  const size_t count = step.samples.size();
  const int parts = config.updates_per_step;
  for (int part = 0; part < parts; ++part) {
    const size_t begin = count * part / parts, end = count * (part + 1) / parts;
    if (begin == end) continue;
    StepBatch batch;
    batch.temperature = config.sampling.temperature;
    batch.replay_routing = config.replay_routing;
    batch.samples = MoveRows(step.samples, begin, end);
    batch.reference_logprobs = MoveRows(step.reference_logprobs, begin, end);
    batch.old_logprobs = MoveRows(step.old_logprobs, begin, end);
    batch.selected = MoveRows(selected, begin, end);
    batch.token_weights = TokenWeights(config.objective.aggregation, LearnedLengths(batch.samples),
                                       config.sampling.max_new_tokens);
    batches.push_back(std::move(batch));
  }
  return batches;
}

absl::StatusOr<StepBatch> ImitationBatch(const Tokenizer& tokenizer, const ChatFormat& format,
                                         const std::vector<Prompt>& prompts) {
  StepBatch batch;
  for (const Prompt& prompt : prompts) {
    TrainingSample sample;
    ASSIGN_OR_RETURN(sample.tokens, format.PromptTokens(tokenizer, prompt.text));
    sample.prompt_length = static_cast<int>(sample.tokens.size());
    const std::vector<int32_t> completion =
        format.CompletionTokens(tokenizer, prompt.demonstration);
    sample.tokens.insert(sample.tokens.end(), completion.begin(), completion.end());
    batch.samples.push_back(std::move(sample));
  }
  batch.token_weights = TokenWeights("token_mean", LearnedLengths(batch.samples), 0);
  return batch;
}

}  // namespace grpo
