#include "rl/held_out.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/digest.h"
#include "data/file.h"
#include "data/random.h"
#include "data/status_macros.h"

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

}  // namespace

SuiteConfig HeldOutSuite(const Recipe& recipe) {
  SuiteConfig suite;
  suite.name = "held_out";
  suite.title = absl::StrCat("held-out problems of ", recipe.run.name);
  suite.reward = recipe.reward;
  suite.scorer = recipe.scorer;
  suite.samples = recipe.eval.samples;
  suite.sampling = recipe.eval.sampling;
  return suite;
}

SuiteResult HeldOutHead(const Recipe& recipe, const std::vector<Prompt>& problems,
                        const std::string& policy, const Weights& weights) {
  return SuiteHead(HeldOutSuite(recipe), ProblemsDigest(problems), policy, weights.Digest(),
                   static_cast<int64_t>(recipe.run.seed));
}

uint64_t HeldOutSeed(const Recipe& recipe) { return MixSeed(recipe.run.seed, 0xe7a1); }

absl::StatusOr<SuiteResult> EvaluateHeldOut(const Recipe& recipe,
                                            const std::vector<Prompt>& problems,
                                            const std::string& folder, const Weights& weights,
                                            const RolloutEngine& engine,
                                            const std::atomic<bool>* cancelled) {
  const SuiteConfig suite = HeldOutSuite(recipe);
  const SuiteResult head = HeldOutHead(recipe, problems, recipe.run.dir, weights);
  SuiteRunOptions options;
  options.folder = folder;
  options.seed = HeldOutSeed(recipe);
  options.scoring_threads = recipe.run.threads;
  options.cancelled = cancelled;
  absl::StatusOr<absl::optional<SuiteResult>> result =
      RunSuite(suite, problems, head, weights, engine, options);
  if (absl::IsFailedPrecondition(result.status())) {
    RETURN_IF_ERROR(RemoveTree(folder));
    result = RunSuite(suite, problems, head, weights, engine, options);
  }
  RETURN_IF_ERROR(result.status());
  GRPO_CHECK(result->has_value());  // there is one rank
  return std::move(**result);
}

}  // namespace grpo
