// What a recipe evaluates: its held-out problems and its [[eval.suite]]s. `grpo eval` and the
// evaluations of a run are one.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/prompt.h"
#include "policy/weights.h"
#include "rl/eval/loaded_suite.h"
#include "rl/eval/suite_result.h"
#include "rl/recipe.h"
#include "rollout/engine.h"

namespace grpo {

// The name of the evaluation of held-out problems.
inline constexpr char kHeldOutName[] = "held_out";

struct Evaluation {
  LoadedSuite suite;
  uint64_t seed = 1;  // of the draws, apart from those of training
  std::shared_ptr<const RolloutEngine> engine;

  const std::string& Name() const { return suite.config.name; }
  bool IsOfHeldOut() const { return Name() == kHeldOutName; }
};

// The held-out problems first, where there are any; then the suites in the recipe's order. None has
// an engine yet. The error names a suite that stands twice, or is that of LoadSuiteWithProblems.
absl::StatusOr<std::vector<Evaluation>> EvaluationsOf(const Recipe& recipe,
                                                      std::vector<Prompt> held_out);

// What is evaluated, without problems; `policy` says whose weights they are.
SuiteResult HeadOf(const Recipe& recipe, const Evaluation& evaluation, const std::string& policy,
                   const std::string& weights_digest);

// An evaluation of the weights that a run has now.
struct RunEvaluationOptions {
  std::string folder;  // of the run's own
  size_t limit = 0;    // the first problems alone; 0: all
  const std::atomic<bool>* cancelled = nullptr;
  std::function<void(size_t done, size_t all)> progress;  // as SuiteRunOptions::progress
};

// What the folder has of the same evaluation, of a run that was killed in it, is not done again;
// what it has of another one, of steps that are done anew, is removed.
absl::StatusOr<SuiteResult> RunEvaluation(const Recipe& recipe, const Evaluation& evaluation,
                                          const Weights& weights, const std::string& weights_digest,
                                          const RunEvaluationOptions& options);

}  // namespace grpo
