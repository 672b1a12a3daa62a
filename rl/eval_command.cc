#include "rl/eval_command.h"

#include <cstdio>
#include <string>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "rl/eval/suite_command.h"
#include "rl/evaluation.h"
#include "rl/recipe.h"
#include "rl/run_parts.h"

namespace grpo {

absl::Status RunEval(const CommandLine& command, const std::atomic<bool>& interrupted) {
  if (command.recipe.empty()) return RunSuites(command, interrupted);
  ASSIGN_OR_RETURN(Recipe recipe, LoadRecipe(command.recipe, command.overrides));
  recipe.run.stages = {"eval"};
  ASSIGN_OR_RETURN(RunParts parts, BuildRunParts(recipe, command.policy));
  if (parts.evaluations.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat(command.recipe,
                     ": nothing to evaluate: it needs held-out problems (eval.problems above 0) "
                     "with a [[reward]], or an [[eval.suite]]"));
  }
  const bool bf16 = recipe.policy.compute == "bf16";
  const Weights policy = bf16 ? parts.weights.WithBFloat16Matrices() : parts.weights;
  const std::string digest = policy.Digest();
  for (Evaluation& evaluation : parts.evaluations) {
    LoadedSuite& suite = evaluation.suite;
    for (const std::string& note : suite.notes) std::fprintf(stderr, "%s\n", note.c_str());
    suite.Limit(command.suite.limit);
    const SuiteResult head = HeadOf(recipe, evaluation, command.policy, digest);
    SuiteRunOptions options = RunOptionsOf(command.suite, head, suite.problems.size(), interrupted);
    options.seed = evaluation.seed;
    RETURN_IF_ERROR(MeasureSuite(suite, head, policy, *evaluation.engine, options));
  }
  return absl::OkStatus();
}

}  // namespace grpo
