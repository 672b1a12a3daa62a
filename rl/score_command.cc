#include "rl/score_command.h"

#include <cstdio>
#include <memory>

#include <unistd.h>

#include "data/status_macros.h"
#include "reward/scorer.h"
#include "rl/recipe.h"
#include "rl/score_stream.h"

namespace grpo {
namespace {

absl::StatusOr<ScoringConfig> ConfigOf(const CommandLine& command) {
  if (!command.rewards.empty()) return ParseScoring(command.rewards, command.overrides);
  ASSIGN_OR_RETURN(const Recipe recipe, LoadRecipe(command.recipe, command.overrides));
  return ScoringConfig{recipe.reward, recipe.scorer};
}

}  // namespace

absl::Status RunScore(const CommandLine& command) {
  if (command.list) {
    std::fputs(RewardListing().c_str(), stdout);
    return absl::OkStatus();
  }
  ASSIGN_OR_RETURN(const ScoringConfig config, ConfigOf(command));
  ASSIGN_OR_RETURN(const std::unique_ptr<Scorer> scorer,
                   Scorer::Create(config.reward, config.scorer));
  ScoreStreamOptions options;
  options.threads = config.scorer.threads;
  options.audit = command.audit;
  ASSIGN_OR_RETURN(const ScoreAudit audit, ScoreStream(*scorer, options, STDIN_FILENO, stdout));
  if (command.audit) std::fputs(audit.ToString().c_str(), stderr);
  return absl::OkStatus();
}

}  // namespace grpo
