// An evaluation's per-problem results as JSON, for checkpoints.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include <nlohmann/json.hpp>

#include "rl/evaluation.h"

namespace grpo {

// Without the example completions.
nlohmann::ordered_json EvaluationToJson(const Evaluation& evaluation);
absl::StatusOr<Evaluation> EvaluationFromJson(const nlohmann::ordered_json& json,
                                              const std::string& origin);

}  // namespace grpo
