// From scored groups to what the learner learns from.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/prompt.h"
#include "data/tokenizer.h"
#include "reward/scored_group.h"
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

// A sample for each completion with a usable reward, its advantage relative to its group.
absl::StatusOr<std::vector<TrainingSample>> BuildSamples(const GrpoConfig& config,
                                                         const std::vector<ScoredGroup>& groups);

// Cuts samples into batches, one for each of the recipe's updates_per_step: whole samples in their
// order, sizes as equal as can be, none empty. reference_logprobs: one row for each sample, or none
// at all.
std::vector<StepBatch> SplitIntoBatches(const GrpoConfig& config,
                                        std::vector<TrainingSample> samples,
                                        std::vector<std::vector<float>> reference_logprobs);

// Demonstrations to imitate.
absl::StatusOr<StepBatch> ImitationBatch(const Tokenizer& tokenizer, const ChatFormat& format,
                                         const std::vector<Prompt>& prompts);

}  // namespace grpo
