#include "rl/batch_builder.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/random.h"
#include "data/status_macros.h"
#include "rl/advantage.h"

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

absl::StatusOr<std::vector<TrainingSample>> BuildSamples(const GrpoConfig& config,
                                                         const std::vector<ScoredGroup>& groups) {
  std::vector<TrainingSample> samples;
  for (const ScoredGroup& scored : groups) {
    ASSIGN_OR_RETURN(const GroupRewards usable, UsableRewards(config, scored));
    const std::vector<double> advantages =
        GroupAdvantages(config.objective.advantage, usable.rewards, usable.valid);
    for (size_t i = 0; i < advantages.size(); ++i) {
      if (!usable.valid[i]) continue;
      samples.push_back(SampleOf(scored.group, i));
      samples.back().advantage = advantages[i];
    }
  }
  return samples;
}

std::vector<StepBatch> SplitIntoBatches(const GrpoConfig& config,
                                        std::vector<TrainingSample> samples,
                                        std::vector<std::vector<float>> reference_logprobs) {
  std::vector<StepBatch> batches;
  const size_t count = samples.size();
  const int parts = config.updates_per_step;
  for (int part = 0; part < parts; ++part) {
    StepBatch batch;
    batch.temperature = config.sampling.temperature;
    batch.replay_routing = config.replay_routing;
    for (size_t i = count * part / parts; i < count * (part + 1) / parts; ++i) {
      batch.num_completion_tokens += samples[i].NumLearned();
      batch.samples.push_back(std::move(samples[i]));
      if (!reference_logprobs.empty())
        batch.reference_logprobs.push_back(std::move(reference_logprobs[i]));
    }
    if (!batch.samples.empty()) batches.push_back(std::move(batch));
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
    sample.advantage = 1;
    batch.num_completion_tokens += completion.size();
    batch.samples.push_back(std::move(sample));
  }
  return batch;
}

}  // namespace grpo
