// A group of completions together with what the checkers said of each.
#pragma once

#include <string>
#include <vector>

#include "data/rollout.h"
#include "reward/reward.h"

namespace grpo {

// The verdict on one completion: the weighted sum over the recipe's rewards.
struct Score {
  RewardState state = RewardState::kScored;  // of the sum: error before invalid before scored
  double reward = 0;                         // weighted sum; meaningful when scored
  bool correct = false;  // the first reward of the recipe gave its full score (pass@k, pass rate)
  std::vector<RewardResult> results;  // one for each reward, in the recipe's order
};

struct ScoredGroup {
  RolloutGroup group;
  std::vector<Score> scores;  // one for each rollout
};

}  // namespace grpo
