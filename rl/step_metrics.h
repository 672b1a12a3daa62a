// The numbers of a GRPO step, under the names that users of TRL and verl look for.
#pragma once

#include <string>
#include <vector>

#include "reward/scored_group.h"
#include "rl/learner.h"
#include "rl/recorder.h"

namespace grpo {

// Of everything sampled in the step, zero-signal groups included.
void AddRolloutMetrics(const std::vector<ScoredGroup>& groups,
                       const std::vector<std::string>& reward_names, MetricList* metrics);

// Of the step's optimizer steps; mismatch (sampling/…) is taken over the first of them, where the
// learner's weights are still those that sampled.
void AddUpdateMetrics(const std::vector<UpdateStats>& updates, MetricList* metrics);

double MeanReward(const std::vector<ScoredGroup>& groups);
double PassRate(const std::vector<ScoredGroup>& groups);
int64_t CompletionTokens(const std::vector<ScoredGroup>& groups);

}  // namespace grpo
