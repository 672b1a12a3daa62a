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
#include "reward/group_reward.h"

namespace grpo {
namespace {

// A copy of what a checker looks at, so that a call that outlives its deadline still finds it.
struct Sample {
  std::shared_ptr<const Prompt> prompt;
  std::string completion;
  int num_tokens = 0;
  int max_tokens = 0;
  FinishReason finish = FinishReason::kStop;

  RewardRequest Request() const { return {*prompt, completion, num_tokens, max_tokens, finish}; }
};

using Samples = std::vector<std::shared_ptr<const Sample>>;

// The samples of all groups, one group after the other.
Samples CopyOf(const std::vector<RolloutGroup>& groups, int max_tokens) {
  Samples samples;
  for (const RolloutGroup& group : groups) {
    const auto prompt = std::make_shared<const Prompt>(group.prompt);
    for (const Rollout& rollout : group.rollouts) {
      samples.push_back(std::make_shared<const Sample>(
          Sample{prompt, rollout.text, static_cast<int>(rollout.tokens.size()), max_tokens,
                 rollout.finish}));
    }
  }
  return samples;
}

CheckerPool::Call MakeCall(std::shared_ptr<const Sample> sample,
                           std::shared_ptr<const Reward> reward) {
  return [sample = std::move(sample), reward = std::move(reward)](const Deadline& deadline) {
    const absl::Time start = absl::Now();
    RewardResult result = reward->Score(sample->Request(), deadline);
    result.microseconds = absl::ToInt64Microseconds(absl::Now() - start);
    return result;
  };
}

// A call for a whole group, whose verdicts are in `results` where what it returns is scored.
CheckerPool::Call MakeGroupCall(Samples samples, std::shared_ptr<const GroupReward> reward,
                                std::shared_ptr<std::vector<RewardResult>> results) {
  return [samples = std::move(samples), reward = std::move(reward),
          results = std::move(results)](const Deadline& deadline) {
    const absl::Time start = absl::Now();
    std::vector<RewardRequest> requests;
    for (const auto& sample : samples) requests.push_back(sample->Request());
    *results = reward->ScoreGroup(requests, deadline);
    if (results->size() != samples.size()) {
      return RewardResult::Error(
          absl::StrCat("gave ", results->size(), " verdicts on ", samples.size(), " completions"));
    }
    const int64_t microseconds = absl::ToInt64Microseconds(absl::Now() - start);
    for (RewardResult& result : *results) {
      result.microseconds = microseconds / static_cast<int64_t>(samples.size());
    }
    return RewardResult::Scored(0, "");
  };
}

struct ScorerEntry {
  std::string label;
  std::shared_ptr<const Reward> reward;
  std::shared_ptr<const GroupReward> of_groups;  // the same, where it needs whole groups

  ScorerEntry(std::string its_label, std::unique_ptr<Reward> its_reward)
      : label(std::move(its_label)), reward(std::move(its_reward)) {
    of_groups = std::dynamic_pointer_cast<const GroupReward>(reward);
    if (of_groups != nullptr && !of_groups->NeedsWholeGroup()) of_groups = nullptr;
  }
};

// One call: an entry's verdict on a sample, or its verdicts on those of a whole group.
struct Job {
  size_t entry = 0;
  size_t first = 0, count = 1;  // samples
};

absl::Duration DeadlineFor(const std::vector<ScorerEntry>& entries, const ScorerConfig& config) {
  absl::Duration deadline = absl::Seconds(config.deadline_seconds);
  for (const ScorerEntry& entry : entries) {
    deadline = std::max(deadline, entry.reward->LongestCall());
  }
  return deadline;
}

class PooledScorer : public Scorer {
 public:
  PooledScorer(std::vector<ScorerEntry> entries, std::vector<RewardRole> roles,
               const ScorerConfig& config)
      : entries_(std::move(entries)),
        composition_{config.combine, config.normalize, std::move(roles)},
        retries_(config.retries),
        pool_(config.threads, DeadlineFor(entries_, config)) {
    GRPO_CHECK(entries_.size() == composition_.roles.size());
    for (const ScorerEntry& entry : entries_) labels_.push_back(entry.label);
  }

  const std::vector<std::string>& reward_names() const override { return labels_; }

  bool needs_whole_groups() const override {
    return std::any_of(entries_.begin(), entries_.end(),
                       [](const ScorerEntry& entry) { return entry.of_groups != nullptr; });
  }

  std::vector<ScoredGroup> Score(std::vector<RolloutGroup> groups, int max_tokens) override {
    std::vector<std::vector<RewardResult>> verdicts = Verdicts(groups, max_tokens);
    std::vector<ScoredGroup> scored;
    scored.reserve(groups.size());
    size_t sample = 0;
    for (RolloutGroup& group : groups) {
      ScoredGroup& out = scored.emplace_back();
      for (size_t i = 0; i < group.rollouts.size(); ++i) {
        out.scores.push_back(Combine(std::move(verdicts[sample++]), composition_));
      }
      if (composition_.normalize) NormalizeOverGroup(composition_, out.scores);
      out.group = std::move(group);
    }
    return scored;
  }

 private:
  bool Applies(size_t entry, const std::string& family) const {
    return AppliesTo(composition_.roles[entry], family);
  }

  // Of each sample, what every entry says of it.
  std::vector<std::vector<RewardResult>> Verdicts(const std::vector<RolloutGroup>& groups,
                                                  int max_tokens) {
    const Samples samples = CopyOf(groups, max_tokens);
    std::vector<std::vector<RewardResult>> verdicts(samples.size());
    for (size_t i = 0; i < samples.size(); ++i) {
      const std::string& family = samples[i]->prompt->family;
      verdicts[i].resize(entries_.size());
      for (size_t entry = 0; entry < entries_.size(); ++entry) {
        if (Applies(entry, family)) continue;
        verdicts[i][entry] =
            RewardResult::NotApplicable(absl::StrCat("not for family \"", family, "\""));
      }
    }
    const std::vector<Job> jobs = Jobs(groups);
    std::vector<std::vector<RewardResult>> results = Run(jobs, samples);
    for (size_t j = 0; j < jobs.size(); ++j) {
      const Job& job = jobs[j];
      for (size_t i = 0; i < job.count; ++i) {
        verdicts[job.first + i][job.entry] = Checked(std::move(results[j][i]), labels_[job.entry]);
      }
    }
    return verdicts;
  }

  // Every entry that applies for every sample, the entries of a sample one after the other.
  std::vector<Job> Jobs(const std::vector<RolloutGroup>& groups) const {
    std::vector<Job> jobs;
    size_t sample = 0;
    for (const RolloutGroup& group : groups) {
      const size_t first = sample, size = group.rollouts.size();
      for (; sample < first + size; ++sample) {
        for (size_t entry = 0; entry < entries_.size(); ++entry) {
          if (!Applies(entry, group.prompt.family)) continue;
          const bool whole = entries_[entry].of_groups != nullptr;
          if (!whole) jobs.push_back({entry, sample, 1});
          if (whole && sample == first) jobs.push_back({entry, first, size});
        }
      }
    }
    return jobs;
  }

  // Does the jobs, and those in which an error is left again, as often as the recipe says. A
  // result for each sample of each job.
  std::vector<std::vector<RewardResult>> Run(const std::vector<Job>& jobs, const Samples& samples) {
    std::vector<std::vector<RewardResult>> results = Attempt(jobs, samples);
    const auto failed = [](const RewardResult& result) {
      return result.state == RewardState::kError;
    };
    for (int attempt = 0; attempt < retries_; ++attempt) {
      std::vector<size_t> places;
      std::vector<Job> again;
      for (size_t j = 0; j < jobs.size(); ++j) {
        if (std::none_of(results[j].begin(), results[j].end(), failed)) continue;
        places.push_back(j);
        again.push_back(jobs[j]);
      }
      if (again.empty()) break;
      std::vector<std::vector<RewardResult>> second = Attempt(again, samples);
      for (size_t j = 0; j < again.size(); ++j) results[places[j]] = std::move(second[j]);
    }
    return results;
  }

  std::vector<std::vector<RewardResult>> Attempt(const std::vector<Job>& jobs,
                                                 const Samples& samples) {
    std::vector<CheckerPool::Call> calls;
    // Of this attempt alone: a call of an earlier one may still be writing into its own.
    std::vector<std::shared_ptr<std::vector<RewardResult>>> of_groups(jobs.size());
    for (size_t j = 0; j < jobs.size(); ++j) {
      const ScorerEntry& entry = entries_[jobs[j].entry];
      const auto first = samples.begin() + jobs[j].first;
      if (entry.of_groups == nullptr) {
        calls.push_back(MakeCall(*first, entry.reward));
      } else {
        of_groups[j] = std::make_shared<std::vector<RewardResult>>();
        calls.push_back(
            MakeGroupCall(Samples(first, first + jobs[j].count), entry.of_groups, of_groups[j]));
      }
    }
    const std::vector<RewardResult> returned = pool_.Run(std::move(calls));
    std::vector<std::vector<RewardResult>> results(jobs.size());
    for (size_t j = 0; j < jobs.size(); ++j) {
      const bool of_each = of_groups[j] != nullptr && returned[j].state == RewardState::kScored;
      results[j] = of_each ? std::move(*of_groups[j])
                           : std::vector<RewardResult>(jobs[j].count, returned[j]);
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
    entries.emplace_back(label, *std::move(reward));
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
    entries.emplace_back(label, std::move(rewards[i]));
    roles.push_back({weights[i], /*gate=*/false, /*families=*/{}});
  }
  return std::make_unique<PooledScorer>(std::move(entries), std::move(roles), config);
}

}  // namespace grpo
