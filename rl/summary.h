// What a finished run tells its user, on the terminal and in summary.json.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "rl/recipe.h"
#include "rl/trainer.h"

namespace grpo {

// "before" and "after" (pass rates on the held-out problems, by family and overall), "suites" with
// the same of each suite, seconds by phase, digest of the final weights.
nlohmann::ordered_json SummaryJson(const Recipe& recipe, const Trainer& trainer,
                                   const std::string& weights_digest, double total_seconds);

// The tables by family and by suite, two sampled traces, where the files are, and what to try next.
std::string SummaryText(const Recipe& recipe, const Trainer& trainer, double total_seconds);

}  // namespace grpo
