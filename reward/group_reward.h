// A checker that can look at all completions of a group in one call.
#pragma once

#include <vector>

#include "reward/reward.h"

namespace grpo {

// The Scorer calls ScoreGroup() where the checker needs whole groups, and Score(), which is
// ScoreGroup() of one request, where it does not.
class GroupReward : public Reward {
 public:
  // One result for each request, in their order. The requests are the completions of one prompt.
  // Called from many threads at once.
  virtual std::vector<RewardResult> ScoreGroup(const std::vector<RewardRequest>& requests,
                                               const Deadline& deadline) const = 0;

  // Whether a score depends on the other completions of the group: such a checker needs
  // ScoreGroup() with the whole group.
  virtual bool NeedsWholeGroup() const = 0;

  RewardResult Score(const RewardRequest& request, const Deadline& deadline) const override {
    return ScoreGroup({request}, deadline)[0];
  }
};

}  // namespace grpo
