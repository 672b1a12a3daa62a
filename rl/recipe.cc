#include "rl/recipe.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "rl/recipe_check.h"
#include "rl/recipe_node.h"
#include "rl/recipe_override.h"
#include "rl/recipe_reader.h"
#include "rl/recipe_toml.h"

namespace grpo {

absl::StatusOr<Recipe> ParseRecipe(const std::string& toml, const std::string& origin,
                                   const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(RecipeNode tree, ParseToml(toml, origin));
  // The file as a whole: where an error that no single key is to blame for is reported.
  tree.position = {origin, 0, 0, 0};
  RecipeErrors errors;
  for (size_t i = 0; i < overrides.size(); ++i) {
    ApplyOverride(overrides[i], static_cast<int>(i) + 1, tree, errors);
  }
  Recipe recipe;
  ReadContext context{errors, PathsOf<Recipe>()};
  ReadTable(tree, "", recipe, context);
  CheckRecipe(recipe, tree, errors);
  RETURN_IF_ERROR(errors.ToStatus());
  if (recipe.run.dir.empty()) recipe.run.dir = "runs/" + recipe.run.name;
  return recipe;
}

absl::StatusOr<Recipe> LoadRecipe(const std::string& path,
                                  const std::vector<std::string>& overrides) {
  ASSIGN_OR_RETURN(const std::string toml, ReadFile(path));
  return ParseRecipe(toml, path, overrides);
}

absl::StatusOr<RewardSpec> ParseRewardSpec(const std::string& text) {
  const RecipePosition position = {"--reward " + text, 1, 0, 0};
  RecipeErrors errors;
  RecipeNode table;
  table.position = position;
  const std::vector<absl::string_view> parts = absl::StrSplit(text, ',');
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string option = i == 0 ? absl::StrCat("name=", parts[i])
                                      : std::string(absl::StripAsciiWhitespace(parts[i]));
    if (i > 0 && option.find('=') == std::string::npos) {
      errors.Add(position, "", "expected NAME,key=value,…, such as final_answer,tolerance=0.01");
      continue;
    }
    const size_t equals = option.find('=');
    const std::string key = option.substr(0, equals);
    absl::optional<RecipeNode> value =
        OverrideValue(absl::string_view(option).substr(equals + 1), position);
    if (!value || table.Find(key) != nullptr) {
      errors.Add(position, KeyText(key), value ? "stands twice" : "the value is not UTF-8");
      continue;
    }
    value->key = key;
    value->key_position = position;
    table.items.push_back(*std::move(value));
  }
  RewardSpec spec;
  ReadContext context{errors, /*known_paths=*/{}};
  ReadTable(table, "", spec, context);
  RETURN_IF_ERROR(errors.ToStatus());
  return spec;
}

}  // namespace grpo
