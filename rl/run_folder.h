// The folder of a run: refuses to write over another run, finds where to resume.
#pragma once

#include <string>

#include "absl/status/statusor.h"

#include "rl/recipe.h"

namespace grpo {

// Makes the folder of a new run, or finds what to resume. Returns the checkpoint to go on from,
// verified; an empty text to begin anew (also when an earlier run was killed before its first
// checkpoint). Errors: the folder holds a run and resume was not asked for; the recipe is not the
// one that the run was started with.
absl::StatusOr<std::string> PrepareRunFolder(const Recipe& recipe, bool resume);

}  // namespace grpo
