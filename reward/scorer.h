// Scores rollouts with the recipe's rewards in native threads, each sample as it arrives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "data/rollout.h"
#include "reward/composition.h"
#include "reward/registry.h"
#include "reward/reward.h"
#include "reward/scored_group.h"

namespace grpo {

struct ScorerConfig {
  int threads = 2;
  double deadline_seconds = 10;  // for each call of a checker; Reward::LongestCall() where longer
  int retries = 0;
  std::string combine = "sum";  // see reward/composition.h, as for normalize
  bool normalize = false;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("threads", threads, Range(1, 1024), "native threads that score");
    visit("deadline_seconds", deadline_seconds, Range(0.001, 86400),
          "for each call of a checker; longer where a checker's own limits, such as code_tests's "
          "seconds, need it");
    visit("retries", retries, Range(0, 10), "times a call that ended in an error is made again");
    visit("combine", combine, OneOf{{"sum", "minimum", "first"}},
          "the rewards of a completion: their sum, the smallest, or the first that applies");
    visit("normalize", normalize, NoConstraint(),
          "each reward is normalised over its group before the sum (GDPO)");
  }
};

class Scorer {
 public:
  static absl::StatusOr<std::unique_ptr<Scorer>> Create(const std::vector<RewardSpec>& specs,
                                                        const ScorerConfig& config);
  // The same with checkers made by the caller; weights in their order.
  static std::unique_ptr<Scorer> FromRewards(std::vector<std::unique_ptr<Reward>> rewards,
                                             std::vector<double> weights,
                                             const ScorerConfig& config);
  virtual ~Scorer() = default;

  // The entries' labels, in their order.
  virtual const std::vector<std::string>& reward_names() const = 0;

  // Whether a reward compares the completions of a group: Score() must then get groups whole.
  virtual bool needs_whole_groups() const = 0;

  // Scores every rollout of the groups; returns when all are scored or their deadlines have passed.
  // A checker that throws or overruns its deadline gives kError for that sample alone, one that
  // needs whole groups for its group; it neither blocks the others nor ends the run. Same result
  // for any number of threads. May be called from several threads.
  virtual std::vector<ScoredGroup> Score(std::vector<RolloutGroup> groups, int max_tokens) = 0;
};

}  // namespace grpo
