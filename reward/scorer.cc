#include "reward/scorer.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"

#include "data/check.h"
#include "data/status_macros.h"
#include "reward/checker_pool.h"

namespace grpo {
namespace {

// A copy of what a checker looks at, so that a call that outlives its deadline still finds it.
struct Sample {
  std::shared_ptr<const Prompt> prompt;
  std::string completion;
  int num_tokens = 0;
  int max_tokens = 0;
  FinishReason finish = FinishReason::kStop;
};

CheckerPool::Call MakeCall(std::shared_ptr<const Sample> sample,
                           std::shared_ptr<const Reward> reward) {
  return [sample = std::move(sample), reward = std::move(reward)](const Deadline& deadline) {
    const absl::Time start = absl::Now();
    RewardResult result = reward->Score({*sample->prompt, sample->completion, sample->num_tokens,
                                         sample->max_tokens, sample->finish},
                                        deadline);
    result.microseconds = absl::ToInt64Microseconds(absl::Now() - start);
    return result;
  };
}

struct ScorerEntry {
  std::string label;
  std::shared_ptr<const Reward> reward;
};

class PooledScorer : public Scorer {
 public:
  PooledScorer(std::vector<ScorerEntry> entries, std::vector<RewardRole> roles,
               const ScorerConfig& config)
      : entries_(std::move(entries)),
        composition_{config.combine, config.normalize, std::move(roles)},
        retries_(config.retries),
        pool_(config.threads, absl::Seconds(config.deadline_seconds)) {
    GRPO_CHECK(entries_.size() == composition_.roles.size());
    for (const ScorerEntry& entry : entries_) labels_.push_back(entry.label);
  }

  const std::vector<std::string>& reward_names() const override { return labels_; }

  std::vector<ScoredGroup> Score(std::vector<RolloutGroup> groups, int max_tokens) override {
    std::vector<RewardResult> results = Run(Calls(groups, max_tokens));
    std::vector<ScoredGroup> scored;
    scored.reserve(groups.size());
    size_t next = 0;
    for (RolloutGroup& group : groups) {
      ScoredGroup& out = scored.emplace_back();
      for (size_t i = 0; i < group.rollouts.size(); ++i) {
        std::vector<RewardResult> of_sample;
        for (size_t entry = 0; entry < entries_.size(); ++entry) {
          of_sample.push_back(Applies(entry, group)
                                  ? Checked(std::move(results[next++]), labels_[entry])
                                  : RewardResult::NotApplicable(absl::StrCat(
                                        "not for family \"", group.prompt.family, "\"")));
        }
        out.scores.push_back(Combine(std::move(of_sample), composition_));
      }
      if (composition_.normalize) NormalizeOverGroup(composition_, out.scores);
      out.group = std::move(group);
    }
    return scored;
  }

 private:
  bool Applies(size_t entry, const RolloutGroup& group) const {
    return AppliesTo(composition_.roles[entry], group.prompt.family);
  }

  // Every reward that applies for every sample, the rewards of a sample one after the other.
  std::vector<CheckerPool::Call> Calls(const std::vector<RolloutGroup>& groups,
                                       int max_tokens) const {
    std::vector<CheckerPool::Call> calls;
    for (const RolloutGroup& group : groups) {
      const auto prompt = std::make_shared<const Prompt>(group.prompt);
      for (const Rollout& rollout : group.rollouts) {
        const auto sample = std::make_shared<const Sample>(
            Sample{prompt, rollout.text, static_cast<int>(rollout.tokens.size()), max_tokens,
                   rollout.finish});
        for (size_t entry = 0; entry < entries_.size(); ++entry) {
          if (Applies(entry, group)) calls.push_back(MakeCall(sample, entries_[entry].reward));
        }
      }
    }
    return calls;
  }

  // Makes the calls, and those that ended in an error again, as often as the recipe says.
  std::vector<RewardResult> Run(std::vector<CheckerPool::Call> calls) {
    if (retries_ == 0) return pool_.Run(std::move(calls));
    std::vector<RewardResult> results = pool_.Run(calls);
    for (int attempt = 0; attempt < retries_; ++attempt) {
      std::vector<size_t> failed;
      std::vector<CheckerPool::Call> again;
      for (size_t i = 0; i < results.size(); ++i) {
        if (results[i].state != RewardState::kError) continue;
        failed.push_back(i);
        again.push_back(calls[i]);
      }
      if (failed.empty()) break;
      std::vector<RewardResult> second = pool_.Run(std::move(again));
      for (size_t i = 0; i < failed.size(); ++i) results[failed[i]] = std::move(second[i]);
    }
    return results;
  }

  // An error says whose it is, and a score that is no number is one.
  static RewardResult Checked(RewardResult result, const std::string& label) {
    if (result.state == RewardState::kScored && !std::isfinite(result.score)) {
      const int64_t microseconds = result.microseconds;
      result = RewardResult::Error(absl::StrCat("gave the score ", result.score));
      result.microseconds = microseconds;
    }
    if (result.state == RewardState::kError)
      result.reason = absl::StrCat(label, ": ", result.reason);
    if (result.state != RewardState::kScored) result.score = 0;
    result.parts.erase(std::remove_if(result.parts.begin(), result.parts.end(),
                                      [](const auto& part) { return !std::isfinite(part.second); }),
                       result.parts.end());
    return result;
  }

  const std::vector<ScorerEntry> entries_;
  std::vector<std::string> labels_;
  const Composition composition_;
  const int retries_;
  CheckerPool pool_;
};

absl::Status CheckConfig(const ScorerConfig& config) {
  const bool known =
      config.combine == "sum" || config.combine == "minimum" || config.combine == "first";
  if (config.threads < 1 || config.threads > 1024 || !known || config.retries < 0 ||
      !(config.deadline_seconds > 0 && config.deadline_seconds <= 86400)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "scorer: expected 1 to 1024 threads, a deadline of up to 86400 seconds, retries >= 0 and "
        "combine sum, minimum or first; found ",
        config.threads, " threads, ", config.deadline_seconds, " seconds, ", config.retries,
        " retries and combine \"", config.combine, "\""));
  }
  if (config.normalize && config.combine != "sum") {
    return absl::InvalidArgumentError(
        "scorer: normalize is of a sum; set combine = \"sum\" or leave normalize out");
  }
  return absl::OkStatus();
}

absl::Status CheckSpecs(const std::vector<RewardSpec>& specs) {
  const auto adds = [](const RewardSpec& spec) { return !spec.gate; };
  if (std::none_of(specs.begin(), specs.end(), adds)) {
    return absl::InvalidArgumentError(
        specs.empty()
            ? "no [[reward]] in the recipe; name at least one checker, the first decides what "
              "passes"
            : "every [[reward]] of the recipe is a gate, which scales what others earn; name at "
              "least one that is none");
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Scorer>> Scorer::Create(const std::vector<RewardSpec>& specs,
                                                       const ScorerConfig& config) {
  RETURN_IF_ERROR(CheckSpecs(specs));
  RETURN_IF_ERROR(CheckConfig(config));
  std::vector<ScorerEntry> entries;
  std::vector<RewardRole> roles;
  std::set<std::string> labels;
  for (size_t i = 0; i < specs.size(); ++i) {
    absl::StatusOr<std::unique_ptr<Reward>> reward = MakeReward(specs[i]);
    if (!reward.ok()) {
      return absl::Status(reward.status().code(),
                          absl::StrCat("reward ", i, ": ", reward.status().message()));
    }
    const std::string label =
        specs[i].label.empty() ? std::string((*reward)->name()) : specs[i].label;
    if (!labels.insert(label).second) {
      return absl::InvalidArgumentError(
          absl::StrCat("reward ", i, ": another reward is called \"", label,
                       "\" in metrics too; give one of them a label"));
    }
    entries.push_back({label, std::shared_ptr<const Reward>(*std::move(reward))});
    roles.push_back({specs[i].weight, specs[i].gate, specs[i].families});
  }
  return std::make_unique<PooledScorer>(std::move(entries), std::move(roles), config);
}

std::unique_ptr<Scorer> Scorer::FromRewards(std::vector<std::unique_ptr<Reward>> rewards,
                                            std::vector<double> weights,
                                            const ScorerConfig& config) {
  GRPO_CHECK(rewards.size() == weights.size());
  std::vector<ScorerEntry> entries;
  std::vector<RewardRole> roles;
  for (size_t i = 0; i < rewards.size(); ++i) {
    const std::string label(rewards[i]->name());
    entries.push_back({label, std::shared_ptr<const Reward>(std::move(rewards[i]))});
    roles.push_back({weights[i], /*gate=*/false, /*families=*/{}});
  }
  return std::make_unique<PooledScorer>(std::move(entries), std::move(roles), config);
}

}  // namespace grpo
