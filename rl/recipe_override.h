// --set key=value: changes to a recipe from the command line.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "rl/recipe_node.h"

namespace grpo {

// Puts one override into the tree. `text` is "grpo.steps=3" or "reward.1.weight=0.5": a dotted
// path, numbers select entries of a list (the number after the last one appends), and a value in
// TOML syntax or, where it is none, a bare text. Tables on the way are made. `number` counts the
// overrides from 1. Whether the key is known is found out when the tree is read.
void ApplyOverride(absl::string_view text, int number, RecipeNode& root, RecipeErrors& errors);

// A file's text as a tree, with the overrides in their order; what is wrong with one of those goes
// to `errors`.
absl::StatusOr<RecipeNode> ParseWithOverrides(const std::string& toml, const std::string& origin,
                                              const std::vector<std::string>& overrides,
                                              RecipeErrors& errors);

// The value as it is read after --set: TOML, or the bare text. None where the text is not UTF-8.
absl::optional<RecipeNode> OverrideValue(absl::string_view text, const RecipePosition& position);

}  // namespace grpo
