#include "rl/eval_command.h"

#include <cstdio>

#include "absl/strings/str_format.h"

#include "data/status_macros.h"
#include "rl/eval/suite_command.h"
#include "rl/evaluation.h"
#include "rl/recipe.h"
#include "rl/run_parts.h"
#include "rl/table.h"

namespace grpo {

absl::Status RunEval(const CommandLine& command, const std::atomic<bool>& interrupted) {
  if (command.recipe.empty()) return RunSuites(command, interrupted);
  ASSIGN_OR_RETURN(Recipe recipe, LoadRecipe(command.recipe, command.overrides));
  recipe.run.stages = {"eval"};
  ASSIGN_OR_RETURN(const RunParts parts, BuildRunParts(recipe, command.policy));
  if (parts.scorer == nullptr || parts.held_out.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command.recipe,
                     ": nothing to evaluate: it needs a [[reward]] and "
                     "held-out problems (eval.problems above 0)"));
  }
  const bool bf16 = recipe.policy.compute == "bf16";
  const Weights policy = bf16 ? parts.weights.WithBFloat16Matrices() : parts.weights;
  ASSIGN_OR_RETURN(const Evaluation evaluation,
                   Evaluate(policy, *parts.engine, *parts.scorer, parts.held_out, recipe.eval,
                            recipe.run.seed, &interrupted));
  std::vector<std::vector<std::string>> rows;
  std::vector<std::string> families = evaluation.Families();
  families.push_back("");
  for (const std::string& family : families) {
    const Interval interval = PassRateInterval(evaluation, family);
    rows.push_back({family.empty() ? "all" : family,
                    absl::StrFormat("%.1f %%", 100 * evaluation.PassRate(family)),
                    absl::StrFormat("%.1f to %.1f", 100 * interval.low, 100 * interval.high)});
  }
  const std::string metric = absl::StrFormat("mean@%d", recipe.eval.samples);
  std::fputs(FormatTable({"family", metric, "95 % interval"}, rows).c_str(), stdout);
  return absl::OkStatus();
}

}  // namespace grpo
