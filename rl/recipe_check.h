// Contradictions in a recipe whose keys are each right by themselves.
#pragma once

#include "rl/recipe.h"
#include "rl/recipe_node.h"

namespace grpo {

// Adds one error, with its reason, for each contradiction; stays silent about keys that already
// have an error. Left to their owners: the policy's shape (CheckPolicyConfig), names of rewards and
// of task families, and files.
void CheckRecipe(const Recipe& recipe, const RecipeNode& tree, RecipeErrors& errors);

}  // namespace grpo
