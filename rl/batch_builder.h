// From scored groups to what the learner learns from.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/prompt.h"
#include "data/tokenizer.h"
#include "reward/scored_group.h"
#include "rl/advantage.h"
#include "rl/recipe.h"
#include "rl/training_sample.h"

namespace grpo {

// Which completions of a group have a usable reward, and those rewards (normalised where the recipe
// says so).
struct GroupRewards {
  std::vector<double> rewards;
  std::vector<bool> valid;
};

// The recipe's policies for invalid tasks and failed checkers: the sample is dropped from its
// group, or the run fails with the prompt and the reason.
absl::StatusOr<GroupRewards> UsableRewards(const GrpoConfig& config, const ScoredGroup& group);

// An error where more than the recipe's max_error_share of the completions have no reward because a
// checker failed; it names the first reason.
absl::Status CheckErrorShare(const GrpoConfig& config, const std::vector<ScoredGroup>& groups);

// The control experiment: shuffles the rewards within each group by a seeded permutation.
void PermuteRewards(uint64_t seed, std::vector<ScoredGroup>& groups);

// A completion of a group with all that was recorded of it; no advantage yet.
TrainingSample SampleOf(const RolloutGroup& group, size_t index);

// What a step learns from, and what its advantages come from.
struct StepSamples {
  std::vector<TrainingSample> samples;
  // Of each group, its completions with a usable reward, in the order of the samples; those of
  // which no token is learned from have no sample.
  std::vector<std::vector<Outcome>> outcomes;
  // [samples][NumLearned()] each, or empty:
  std::vector<std::vector<float>> reference_logprobs;  // of the policy that KL is taken to
  std::vector<std::vector<float>> old_logprobs;        // of the learner's policy before the step
  std::vector<std::vector<float>> entropies;           // likewise
};

// A sample for each completion with a usable reward that is learned from; no advantages yet.
absl::StatusOr<StepSamples> BuildSamples(const GrpoConfig& config,
                                         const std::vector<ScoredGroup>& groups);

// Every sample's advantage, after the divergence from the reference was taken from its reward where
// the recipe has it there.
void SetAdvantages(const GrpoConfig& config, StepSamples* step);

// Cuts samples into batches, one for each of the recipe's updates_per_step: whole samples in their
// order, sizes as equal as can be, none empty.
std::vector<StepBatch> SplitIntoBatches(const GrpoConfig& config, StepSamples step);

// Demonstrations to imitate.
absl::StatusOr<StepBatch> ImitationBatch(const Tokenizer& tokenizer, const ChatFormat& format,
                                         const std::vector<Prompt>& prompts);

}  // namespace grpo
