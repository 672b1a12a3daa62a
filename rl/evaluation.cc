#include "rl/evaluation.h"

#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/digest.h"
#include "data/random.h"
#include "data/status_macros.h"
#include "rl/eval/suite_run.h"

namespace grpo {
namespace {

std::string ProblemsDigest(const std::vector<Prompt>& problems) {
  nlohmann::ordered_json texts = nlohmann::ordered_json::array();
  for (const Prompt& problem : problems) {
    texts.push_back(
        {problem.id, problem.name, problem.text, problem.answer, problem.metadata_json});
  }
  return Sha256Hex(texts.dump());
}

Evaluation EvaluationOfHeldOut(const Recipe& recipe, std::vector<Prompt> problems) {
  Evaluation evaluation;
  evaluation.seed = MixSeed(recipe.run.seed, 0xe7a1);
  evaluation.suite.digest = ProblemsDigest(problems);
  evaluation.suite.problems = std::move(problems);
  SuiteConfig& config = evaluation.suite.config;
  config.name = kHeldOutName;
  config.title = absl::StrCat("held-out problems of ", recipe.run.name);
  config.reward = recipe.reward;
  config.scorer = recipe.scorer;
  config.samples = recipe.eval.samples;
  config.sampling = recipe.eval.sampling;
  return evaluation;
}

}  // namespace

absl::StatusOr<std::vector<Evaluation>> EvaluationsOf(const Recipe& recipe,
                                                      std::vector<Prompt> held_out) {
  std::vector<Evaluation> evaluations;
  absl::flat_hash_set<std::string> names = {kHeldOutName};
  if (!held_out.empty()) evaluations.push_back(EvaluationOfHeldOut(recipe, std::move(held_out)));
  for (size_t i = 0; i < recipe.eval.suite.size(); ++i) {
    const EvalSuiteConfig& config = recipe.eval.suite[i];
    SuiteChoice choice;
    choice.name = config.name;
    choice.overrides = config.set;
    choice.data = config.data;
    choice.limit = config.problems;
    Evaluation evaluation;
    ASSIGN_OR_RETURN(evaluation.suite, LoadSuiteWithProblems(choice));
    evaluation.seed = recipe.run.seed;
    const std::string& name = evaluation.Name();
    if (!names.insert(name).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("eval.suite.", i, ": a second evaluation of the name \"", name,
                       "\", whose results would have the same place; give it a name of its own: "
                       "set = [\"name=",
                       name, "-2\"]"));
    }
    evaluations.push_back(std::move(evaluation));
  }
  return evaluations;
}

SuiteResult HeadOf(const Recipe& recipe, const Evaluation& evaluation, const std::string& policy,
                   const std::string& weights_digest) {
  return SuiteHead(evaluation.suite.config, evaluation.suite.digest, policy, weights_digest,
                   recipe.run.seed);
}

absl::StatusOr<SuiteResult> RunEvaluation(const Recipe& recipe, const Evaluation& evaluation,
                                          const Weights& weights, const std::string& weights_digest,
                                          const RunEvaluationOptions& options) {
  LoadedSuite suite = evaluation.suite;
  suite.Limit(options.limit);
  const SuiteResult head = HeadOf(recipe, evaluation, recipe.run.dir, weights_digest);
  SuiteRunOptions run;
  run.folder = options.folder;
  run.replaces = true;
  run.seed = evaluation.seed;
  run.scoring_threads = recipe.run.threads;
  run.cancelled = options.cancelled;
  run.progress = options.progress;
  ASSIGN_OR_RETURN(absl::optional<SuiteResult> result,
                   RunSuite(suite.config, suite.problems, head, weights, *evaluation.engine, run));
  GRPO_CHECK(result.has_value());  // there is one rank
  return *std::move(result);
}

}  // namespace grpo
