// Completions with their verdicts, for people to read: samples/step-N.jsonl.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "reward/scored_group.h"
#include "rl/training_sample.h"

namespace grpo {

// One record for each completion of the first `max_groups` groups.
std::vector<nlohmann::ordered_json> SampleRecords(const std::vector<ScoredGroup>& groups,
                                                  size_t max_groups);

// What the learner saw of a completion, as `grpo loss` reads it (rl/loss_command.h).
nlohmann::ordered_json TrainingSampleRecord(const TrainingSample& sample);

}  // namespace grpo
