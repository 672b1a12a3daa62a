// TOML text to a RecipeNode. The only part of the program that knows the TOML library.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "rl/recipe_node.h"

namespace grpo {

// A whole file; `origin` is its name in positions. A syntax error names line and column.
absl::StatusOr<RecipeNode> ParseToml(absl::string_view text, const std::string& origin);

// One value, all of it at `position`; none where the text is no TOML value.
absl::optional<RecipeNode> ParseTomlValue(absl::string_view text, const RecipePosition& position);

}  // namespace grpo
