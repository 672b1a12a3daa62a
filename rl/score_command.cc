#include "rl/score_command.h"

#include <cstdio>
#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include <nlohmann/json.hpp>

#include "data/status_macros.h"
#include "reward/scorer.h"
#include "rl/recipe.h"
#include "rl/sample_json.h"

namespace grpo {
namespace {

absl::StatusOr<std::string> TextField(const nlohmann::ordered_json& record, const char* field,
                                      int64_t line) {
  const auto found = record.find(field);
  if (found == record.end() || !found->is_string()) {
    return absl::InvalidArgumentError(absl::StrCat("standard input:", line, ": expected a text \"",
                                                   field, "\", found ",
                                                   found == record.end() ? "none" : found->dump()));
  }
  return found->get<std::string>();
}

absl::StatusOr<RolloutGroup> ReadGroup(const std::string& text, int64_t line) {
  const auto record = nlohmann::ordered_json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!record.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat("standard input:", line, ": expected a JSON object on the line"));
  }
  RolloutGroup group;
  group.prompt.id = line;
  group.prompt.name = absl::StrCat("line ", line);
  ASSIGN_OR_RETURN(group.prompt.answer, TextField(record, "answer", line));
  if (record.contains("prompt")) {
    ASSIGN_OR_RETURN(group.prompt.text, TextField(record, "prompt", line));
  }
  const auto metadata = record.find("metadata");
  group.prompt.metadata_json = metadata == record.end() ? "{}" : metadata->dump();
  group.rollouts.resize(1);
  ASSIGN_OR_RETURN(group.rollouts[0].text, TextField(record, "completion", line));
  return group;
}

absl::StatusOr<std::vector<RewardSpec>> Specs(const CommandLine& command) {
  if (command.rewards.empty()) {
    ASSIGN_OR_RETURN(const Recipe recipe, LoadRecipe(command.recipe, command.overrides));
    return recipe.reward;
  }
  std::vector<RewardSpec> specs;
  for (const std::string& text : command.rewards) {
    ASSIGN_OR_RETURN(RewardSpec spec, ParseRewardSpec(text));
    specs.push_back(std::move(spec));
  }
  return specs;
}

}  // namespace

absl::Status RunScore(const CommandLine& command) {
  ASSIGN_OR_RETURN(const std::vector<RewardSpec> specs, Specs(command));
  ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer, Scorer::Create(specs, ScorerConfig()));
  std::string text;
  for (int64_t line = 1; std::getline(std::cin, text); ++line) {
    if (text.find_first_not_of(" \t\r") == std::string::npos) continue;
    std::vector<RolloutGroup> groups(1);
    ASSIGN_OR_RETURN(groups[0], ReadGroup(text, line));
    const std::vector<ScoredGroup> scored = scorer->Score(std::move(groups), /*max_tokens=*/0);
    for (const auto& record : SampleRecords(scored, 1)) {
      std::printf(
          "%s\n",
          record.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace).c_str());
    }
  }
  return absl::OkStatus();
}

}  // namespace grpo
