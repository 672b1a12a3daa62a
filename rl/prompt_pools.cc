#include "rl/prompt_pools.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include <nlohmann/json.hpp>

#include "data/random.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

constexpr int kMostPassedOver = 10000;  // draws in a row
constexpr uint64_t kPoolStream = 0x9001;

std::string KeyOf(const PoolsConfig& config, const Prompt& prompt) {
  return config.by == "prompt" ? prompt.name : prompt.pool;
}

}  // namespace

bool PromptPools::Takes(const Prompt& prompt) const {
  const auto known = pass_rates_.find(KeyOf(config_, prompt));
  if (known == pass_rates_.end()) return true;
  double share = 1;
  if (known->second >= config_.easy_above) share = config_.easy_share;
  if (known->second < config_.hard_below) share = config_.hard_share;
  // By the draw alone: a resumed run decides alike.
  return RandomStream(MixSeed(seed_, kPoolStream), prompt.id).Uniform() < share;
}

absl::StatusOr<std::vector<Prompt>> PromptPools::Next(PromptSource& source, int count) {
  if (config_.by == "off") return source.Next(count);
  std::vector<Prompt> taken;
  int in_a_row = 0;
  while (static_cast<int>(taken.size()) < count) {
    ASSIGN_OR_RETURN(std::vector<Prompt> drawn, source.Next(1));
    if (in_a_row < kMostPassedOver && !Takes(drawn[0])) {
      ++in_a_row;
      ++passed_over_;
      continue;
    }
    in_a_row = 0;
    taken.push_back(std::move(drawn[0]));
  }
  return taken;
}

void PromptPools::Record(const std::vector<ScoredGroup>& groups) {
  if (config_.by == "off") return;
  struct Passes {
    int64_t correct = 0, scored = 0;
  };
  std::map<std::string, Passes> step;
  for (const ScoredGroup& group : groups) {
    Passes& passes = step[KeyOf(config_, group.group.prompt)];
    for (const Score& score : group.scores) {
      if (score.state != RewardState::kScored) continue;
      ++passes.scored;
      passes.correct += score.correct;
    }
  }
  for (const auto& [key, passes] : step) {
    if (passes.scored == 0) continue;
    const double rate = static_cast<double>(passes.correct) / passes.scored;
    const auto [known, is_new] = pass_rates_.try_emplace(key, rate);
    if (!is_new) known->second = config_.decay * known->second + (1 - config_.decay) * rate;
  }
}

PromptPools::Counts PromptPools::TakeCounts() {
  Counts counts;
  counts.known = pass_rates_.size();
  for (const auto& [key, rate] : pass_rates_) {
    counts.easy += rate >= config_.easy_above;
    counts.hard += rate < config_.hard_below;
  }
  counts.passed_over = std::exchange(passed_over_, 0);
  return counts;
}

nlohmann::ordered_json PromptPools::State() const {
  nlohmann::ordered_json state = nlohmann::ordered_json::object();
  for (const auto& [key, rate] : pass_rates_) state[key] = rate;
  return state;
}

absl::Status PromptPools::Restore(const nlohmann::ordered_json& state, const std::string& origin) {
  pass_rates_.clear();
  for (const auto& [key, rate] : state.items()) {
    if (!rate.is_number()) {
      return absl::DataLossError(absl::StrCat(origin, ": pools: expected pass rates, found ",
                                              rate.dump(), " for \"", key, "\""));
    }
    pass_rates_[key] = rate.get<double>();
  }
  return absl::OkStatus();
}

}  // namespace grpo
