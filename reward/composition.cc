#include "reward/composition.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "absl/types/optional.h"

#include "data/check.h"

namespace grpo {
namespace {

bool TakesPart(const RewardResult& result) { return result.state != RewardState::kNotApplicable; }

// The factor g over the gates that apply.
double GateFactor(const std::vector<RewardResult>& results, const Composition& composition) {
  double factor = 1;
  for (size_t i = 0; i < results.size(); ++i) {
    if (composition.roles[i].gate && TakesPart(results[i])) {
      factor *= std::clamp(results[i].score, 0.0, 1.0);
    }
  }
  return factor;
}

double Gated(double term, double factor) { return term > 0 ? factor * term : term; }

// The entries whose terms the reward is made of.
std::vector<size_t> Contributors(const std::vector<RewardResult>& results,
                                 const Composition& composition) {
  std::vector<size_t> contributors;
  for (size_t i = 0; i < results.size(); ++i) {
    if (composition.roles[i].gate || !TakesPart(results[i])) continue;
    if (composition.combine == "first") {
      if (results[i].state == RewardState::kInvalid) continue;
      return {i};
    }
    contributors.push_back(i);
  }
  return contributors;
}

// The worst state of those that count: error before invalid before scored.
RewardState StateOf(const std::vector<RewardResult>& results, const Composition& composition,
                    const std::vector<size_t>& contributors) {
  if (contributors.empty()) return RewardState::kInvalid;
  RewardState state = RewardState::kScored;
  for (size_t i = 0; i < results.size(); ++i) {
    const bool counts =
        composition.roles[i].gate ||
        std::find(contributors.begin(), contributors.end(), i) != contributors.end();
    if (!counts) continue;
    if (results[i].state == RewardState::kError) state = RewardState::kError;
    if (results[i].state == RewardState::kInvalid && state == RewardState::kScored) {
      state = RewardState::kInvalid;
    }
  }
  return state;
}

// Mean and deviation of the values; nothing where they are all equal or fewer than two.
struct Spread {
  double mean = 0, deviation = 0;
};
absl::optional<Spread> SpreadOf(const std::vector<double>& values) {
  if (values.size() < 2) return absl::nullopt;
  if (std::all_of(values.begin(), values.end(), [&](double v) { return v == values[0]; })) {
    return absl::nullopt;
  }
  Spread spread;
  for (double value : values) spread.mean += value / values.size();
  double squares = 0;
  for (double value : values) squares += (value - spread.mean) * (value - spread.mean);
  spread.deviation = std::sqrt(squares / (values.size() - 1));
  return spread;
}

// The entry's score after the gates; nothing where it takes no part.
absl::optional<double> GatedScore(const Score& score, size_t entry,
                                  const Composition& composition) {
  const RewardResult& result = score.results[entry];
  if (score.state != RewardState::kScored || !TakesPart(result)) return absl::nullopt;
  const bool earns = composition.roles[entry].weight * result.score > 0;
  return earns ? GateFactor(score.results, composition) * result.score : result.score;
}

void AddNormalizedEntry(const Composition& composition, size_t entry, std::vector<Score>& scores) {
  std::vector<double> values;
  for (const Score& score : scores) {
    if (const auto value = GatedScore(score, entry, composition)) values.push_back(*value);
  }
  const absl::optional<Spread> spread = SpreadOf(values);
  if (!spread) return;
  const double weight = composition.roles[entry].weight;
  for (Score& score : scores) {
    if (const auto value = GatedScore(score, entry, composition)) {
      *score.normalized += weight * (*value - spread->mean) / (spread->deviation + 1e-4);
    }
  }
}

}  // namespace

bool AppliesTo(const RewardRole& role, const std::string& family) {
  return role.families.empty() ||
         std::find(role.families.begin(), role.families.end(), family) != role.families.end();
}

Score Combine(std::vector<RewardResult> results, const Composition& composition) {
  GRPO_CHECK(results.size() == composition.roles.size());
  const std::vector<size_t> contributors = Contributors(results, composition);
  const double factor = GateFactor(results, composition);
  Score score;
  for (size_t i = 0; i < contributors.size(); ++i) {
    const size_t entry = contributors[i];
    const double term = Gated(composition.roles[entry].weight * results[entry].score, factor);
    const bool minimum = composition.combine == "minimum" && i > 0;
    score.reward = minimum ? std::min(score.reward, term) : score.reward + term;
  }
  score.state = StateOf(results, composition, contributors);
  if (!std::isfinite(score.reward)) score.state = RewardState::kError;
  if (score.state != RewardState::kScored) score.reward = 0;
  if (!contributors.empty()) {
    const RewardResult& first = results[contributors[0]];
    score.correct = first.state == RewardState::kScored && first.score >= 1;
  }
  score.results = std::move(results);
  return score;
}

void NormalizeOverGroup(const Composition& composition, std::vector<Score>& scores) {
  for (Score& score : scores) {
    if (score.state == RewardState::kScored) score.normalized = 0;
  }
  for (size_t entry = 0; entry < composition.roles.size(); ++entry) {
    if (!composition.roles[entry].gate) AddNormalizedEntry(composition, entry, scores);
  }
}

}  // namespace grpo
