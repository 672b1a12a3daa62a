// How often a policy solves held-out problems.
#pragma once

#include <atomic>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/prompt.h"
#include "policy/weights.h"
#include "reward/scorer.h"
#include "rl/eval/interval.h"
#include "rl/recipe.h"
#include "rollout/engine.h"

namespace grpo {

// Of one problem: how many of its completions were right.
struct ProblemResult {
  std::string family;
  int correct = 0;
  int samples = 0;
  int truncated = 0;  // completions that ran out of tokens
  int unscored = 0;   // completions without a usable verdict; they count as wrong
  int64_t tokens = 0;
};

struct Evaluation {
  std::vector<ProblemResult> problems;
  std::vector<ScoredGroup> examples;  // the first group of each family

  // mean@k: the share of right completions, over all problems or those of one family (empty: all).
  double PassRate(const std::string& family = "") const;
  std::vector<std::string> Families() const;  // in order of first appearance
  double MeanTokens() const;
  double TruncatedShare() const;
};

// The 95 % interval of the difference after - before over the same problems, paired.
Interval ChangeInterval(const Evaluation& before, const Evaluation& after,
                        const std::string& family);

// The 95 % interval of the pass rate itself.
Interval PassRateInterval(const Evaluation& evaluation, const std::string& family);

absl::StatusOr<Evaluation> Evaluate(const Weights& weights, const RolloutEngine& engine,
                                    Scorer& scorer, const std::vector<Prompt>& problems,
                                    const EvalConfig& config, uint64_t seed,
                                    const std::atomic<bool>* cancelled);

}  // namespace grpo
