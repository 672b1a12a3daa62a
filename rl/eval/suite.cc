#include "rl/eval/suite.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "rl/eval/record_template.h"
#include "rl/eval/shipped_suites.h"
#include "rl/nearest_name.h"
#include "rl/recipe_node.h"
#include "rl/recipe_override.h"
#include "rl/recipe_reader.h"

namespace grpo {
namespace {

// What no single key tells.
void CheckConfig(const SuiteConfig& suite, const RecipeNode& tree, RecipeErrors& errors) {
  const auto refuse = [&](bool wrong, const char* path, const std::string& message) {
    if (wrong && !errors.Touches(path)) errors.Add(PositionOf(tree, path), path, message);
  };
  refuse(suite.reward.empty(), "reward", "no [[reward]], so that nothing would say what is right");
  for (double k : suite.pass_at) {
    refuse(k > suite.samples || k != static_cast<int>(k), "pass_at",
           absl::StrCat("expected whole numbers up to samples, which is ", suite.samples,
                        ", found ", k));
  }
  const absl::Status record = RecordTemplates::Check(suite.record);
  refuse(!record.ok(), "record", std::string(record.message()));
}

}  // namespace

absl::StatusOr<SuiteConfig> ParseSuite(const std::string& toml, const std::string& origin,
                                       const std::vector<std::string>& overrides) {
  RecipeErrors errors;
  ASSIGN_OR_RETURN(const RecipeNode tree, ParseWithOverrides(toml, origin, overrides, errors));
  SuiteConfig suite;
  ReadContext context{errors, PathsOf<SuiteConfig>()};
  ReadTable(tree, "", suite, context);
  CheckConfig(suite, tree, errors);
  RETURN_IF_ERROR(errors.ToStatus());
  return suite;
}

absl::StatusOr<SuiteConfig> LoadSuite(const std::string& name_or_file,
                                      const std::vector<std::string>& overrides) {
  if (absl::EndsWith(name_or_file, ".toml")) {
    ASSIGN_OR_RETURN(const std::string toml, ReadFile(name_or_file));
    return ParseSuite(toml, name_or_file, overrides);
  }
  std::vector<std::string> names;
  for (const auto& [name, toml] : ShippedSuites()) {
    if (name == name_or_file) return ParseSuite(toml, absl::StrCat(name, ".toml"), overrides);
    names.push_back(name);
  }
  const absl::optional<std::string> nearest = NearestName(name_or_file, names);
  return absl::NotFoundError(absl::StrCat(
      "no suite \"", name_or_file, "\"", nearest ? "; did you mean " + *nearest + "?" : "",
      " Known: ", absl::StrJoin(names, ", "), "; or the path of a .toml file"));
}

}  // namespace grpo
