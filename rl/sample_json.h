// Completions with their verdicts, for people to read: samples/step-N.jsonl.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "reward/scored_group.h"

namespace grpo {

// One record for each completion of the first `max_groups` groups.
std::vector<nlohmann::ordered_json> SampleRecords(const std::vector<ScoredGroup>& groups,
                                                  size_t max_groups);

}  // namespace grpo
