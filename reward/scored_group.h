// A group of completions together with what the checkers said of each.
#pragma once

#include <string>
#include <vector>

#include "absl/types/optional.h"

#include "data/rollout.h"
#include "reward/reward.h"

namespace grpo {

// The verdict on one completion: the recipe's rewards, combined (reward/composition.h).
struct Score {
  RewardState state = RewardState::kScored;  // kScored, kInvalid or kError
  double reward = 0;                         // of the combination; meaningful when scored
  // What the completion is compared with its siblings by, where the recipe normalises each reward
  // over the group; the reward itself where not.
  absl::optional<double> normalized;
  // The first reward of the recipe that applies, gates aside, gave its full score (pass@k, pass
  // rate).
  bool correct = false;
  std::vector<RewardResult> results;  // one for each reward, in the recipe's order
};

struct ScoredGroup {
  RolloutGroup group;
  std::vector<Score> scores;  // one for each rollout
};

}  // namespace grpo
