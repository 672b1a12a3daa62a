// A recipe's held-out problems as a suite: `grpo eval` and the evaluations of a run are one.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/prompt.h"
#include "policy/weights.h"
#include "rl/eval/suite.h"
#include "rl/eval/suite_result.h"
#include "rl/eval/suite_run.h"
#include "rl/recipe.h"
#include "rollout/engine.h"

namespace grpo {

SuiteConfig HeldOutSuite(const Recipe& recipe);

// What is evaluated, without problems; `policy` says whose weights they are.
SuiteResult HeldOutHead(const Recipe& recipe, const std::vector<Prompt>& problems,
                        const std::string& policy, const Weights& weights);

// Of the draws, apart from those of training.
uint64_t HeldOutSeed(const Recipe& recipe);

// Evaluates into a folder of the run's own. What it has of the same evaluation, of a run that was
// killed in it, is not done again; what it has of another one, of steps that are done anew, is
// removed.
absl::StatusOr<SuiteResult> EvaluateHeldOut(const Recipe& recipe,
                                            const std::vector<Prompt>& problems,
                                            const std::string& folder, const Weights& weights,
                                            const RolloutEngine& engine,
                                            const std::atomic<bool>* cancelled);

}  // namespace grpo
