#include "rl/recipe.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "rl/recipe_check.h"
#include "rl/recipe_node.h"
#include "rl/recipe_override.h"
#include "rl/recipe_reader.h"

namespace grpo {
namespace {

// What the recipe says, if it is a text; whether it is a known one is seen when it is read.
std::string AlgorithmOf(const RecipeNode& tree) {
  const RecipeNode* grpo = tree.Find("grpo");
  const RecipeNode* name = grpo == nullptr ? nullptr : grpo->Find("algorithm");
  return name == nullptr ? GrpoConfig().algorithm : name->text;
}

}  // namespace

absl::StatusOr<Recipe> ParseRecipe(const std::string& toml, const std::string& origin,
                                   const std::vector<std::string>& overrides) {
  RecipeErrors errors;
  ASSIGN_OR_RETURN(const RecipeNode tree, ParseWithOverrides(toml, origin, overrides, errors));
  Recipe recipe;
  ApplyAlgorithm(AlgorithmOf(tree), &recipe.grpo.objective);
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

namespace {

// Whether "process:python3 a.py,b" is a name with an argument: commas in it are its own.
bool TakesArgument(const std::string& text) {
  const std::vector<std::string> names = RewardNames();
  return std::any_of(names.begin(), names.end(), [&](const std::string& name) {
    return absl::EndsWith(name, ":") && absl::StartsWith(text, name);
  });
}

// "NAME,key=value,…" as the table that a recipe would have.
RecipeNode RewardTable(const std::string& text, RecipeErrors& errors) {
  const RecipePosition position = {"--reward " + text, 0, 0, 0};
  RecipeNode table;
  table.position = position;
  std::vector<std::string> parts = absl::StrSplit(text, ',');
  if (TakesArgument(text)) parts = {text};
  for (size_t i = 0; i < parts.size(); ++i) {
    const std::string option = i == 0 ? absl::StrCat("name=", parts[i])
                                      : std::string(absl::StripAsciiWhitespace(parts[i]));
    const size_t equals = option.find('=');
    if (equals == std::string::npos) {
      errors.Add(position, "", "expected NAME,key=value,…, such as final_answer,tolerance=0.01");
      continue;
    }
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
  return table;
}

struct ScorerSection {
  ScorerConfig& scorer;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("scorer", scorer, NoConstraint(), "how checkers run and become one reward");
  }
};

}  // namespace

absl::StatusOr<ScoringConfig> ParseScoring(const std::vector<std::string>& rewards,
                                           const std::vector<std::string>& overrides) {
  RecipeErrors errors;
  std::vector<RecipeNode> tables;
  for (const std::string& reward : rewards) tables.push_back(RewardTable(reward, errors));
  RecipeNode settings;
  for (size_t i = 0; i < overrides.size(); ++i) {
    const int number = static_cast<int>(i) + 1;
    if (absl::StartsWith(overrides[i], "scorer.")) {
      ApplyOverride(overrides[i], number, settings, errors);
    } else if (tables.size() == 1) {
      ApplyOverride(overrides[i], number, tables[0], errors);
    } else {
      errors.Add({"--set " + overrides[i], number, 0, 0}, "",
                 "which reward is meant? With several, write options behind the name: --reward "
                 "final_answer,tolerance=0.01");
    }
  }
  ScoringConfig config;
  ReadContext context{errors, /*known_paths=*/{}};
  for (const RecipeNode& table : tables) {
    ReadTable(table, "", config.reward.emplace_back(), context);
  }
  ScorerSection section{config.scorer};
  ReadTable(settings, "", section, context);
  RETURN_IF_ERROR(errors.ToStatus());
  return config;
}

}  // namespace grpo
