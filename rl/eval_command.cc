#include "rl/eval_command.h"

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "rl/eval/suite_command.h"
#include "rl/held_out.h"
#include "rl/recipe.h"
#include "rl/run_parts.h"

namespace grpo {

absl::Status RunEval(const CommandLine& command, const std::atomic<bool>& interrupted) {
  if (command.recipe.empty()) return RunSuites(command, interrupted);
  ASSIGN_OR_RETURN(Recipe recipe, LoadRecipe(command.recipe, command.overrides));
  recipe.run.stages = {"eval"};
  ASSIGN_OR_RETURN(RunParts parts, BuildRunParts(recipe, command.policy));
  if (parts.scorer == nullptr || parts.held_out.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command.recipe,
                     ": nothing to evaluate: it needs a [[reward]] and "
                     "held-out problems (eval.problems above 0)"));
  }
  const size_t limit = command.suite.limit;
  if (limit > 0 && parts.held_out.size() > limit) parts.held_out.resize(limit);
  const bool bf16 = recipe.policy.compute == "bf16";
  const Weights policy = bf16 ? parts.weights.WithBFloat16Matrices() : parts.weights;
  const SuiteResult head = HeldOutHead(recipe, parts.held_out, command.policy, policy);
  SuiteRunOptions options = RunOptionsOf(command.suite, head, parts.held_out.size(), interrupted);
  options.seed = HeldOutSeed(recipe);
  return MeasureSuite(HeldOutSuite(recipe), parts.held_out, head, policy, *parts.engine, options);
}

}  // namespace grpo
