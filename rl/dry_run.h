// `grpo train --dry-run`: what a recipe would do, without doing it.
#pragma once

#include "absl/status/status.h"

#include "rl/recipe.h"

namespace grpo {

// Prints the resolved recipe, parameter count, memory and token budget. Reads the data and trains
// the tokenizer to find errors in them, writes nothing.
absl::Status PrintDryRun(const Recipe& recipe);

}  // namespace grpo
