// Scores rollouts with the recipe's rewards in native threads, each sample as it arrives.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"

#include "data/config_fields.h"
#include "data/rollout.h"
#include "reward/reward.h"
#include "reward/scored_group.h"

namespace grpo {

// One entry of [[reward]] in a recipe.
struct RewardSpec {
  std::string name;  // of a registered checker: "final_answer", "format", …
  double weight = 1;
  // Options of single checkers; each checker's header says which it reads.
  std::string answer_tag = "answer";  // final_answer, task_answer, countdown, format
  double tolerance = 0;               // final_answer: relative
  double penalty = 1;                 // length, repetition: how much is taken off at most
  int free_tokens = 0;                // length: budget that costs nothing
  int ngram = 4;                      // repetition: tokens of whitespace-separated words

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("name", name, NotEmpty(), "checker's name");
    visit("weight", weight, Range(-1000, 1000), "factor in the weighted sum");
    visit("answer_tag", answer_tag, NotEmpty(),
          "final_answer, task_answer, countdown, format: the tag that holds the answer");
    visit("tolerance", tolerance, Range(0, 1), "final_answer: relative tolerance; 0 is exact");
    visit("penalty", penalty, Range(0, 1000), "length, repetition: taken off at most");
    visit("free_tokens", free_tokens, AtLeast(0), "length: tokens that cost nothing");
    visit("ngram", ngram, Range(1, 64), "repetition: words in an n-gram");
  }
};

// A checker by name; the error lists the known names. An option that the checker does not read must
// have its default value. New checkers are one file and one line in registry.cc.
absl::StatusOr<std::unique_ptr<Reward>> MakeReward(const RewardSpec& spec);
std::vector<std::string> RewardNames();

struct ScorerConfig {
  int threads = 2;
  double deadline_seconds = 10;  // for each call of a checker

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("threads", threads, Range(1, 1024), "native threads that score");
    visit("deadline_seconds", deadline_seconds, Range(0.001, 86400), "for each call of a checker");
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

  virtual const std::vector<std::string>& reward_names() const = 0;

  // Scores every rollout of the groups; returns when all are scored or their deadlines have passed.
  // A checker that throws or overruns its deadline gives kError for that sample alone; it neither
  // blocks the others nor ends the run. Same result for any number of threads.
  virtual std::vector<ScoredGroup> Score(std::vector<RolloutGroup> groups, int max_tokens) = 0;
};

}  // namespace grpo
