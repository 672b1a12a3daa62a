#include "rl/eval/metrics.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "data/check.h"

namespace grpo {
namespace {

double LogChoose(int n, int k) {
  return std::lgamma(n + 1.0) - std::lgamma(k + 1.0) - std::lgamma(n - k + 1.0);
}

// That exactly `right` of k drawn completions are right: the hypergeometric distribution.
double ChanceOf(int right, int n, int correct, int k) {
  if (right > correct || k - right > n - correct) return 0;
  return std::exp(LogChoose(correct, right) + LogChoose(n - correct, k - right) - LogChoose(n, k));
}

void CheckCounts(int n, int correct, int k) {
  GRPO_CHECK(correct >= 0 && correct <= n && k >= 1 && k <= n);
}

}  // namespace

double PassAtK(int n, int correct, int k) {
  CheckCounts(n, correct, k);
  if (n - correct < k) return 1;
  double all_wrong = 1;  // as a product, which neither overflows nor rounds away small chances
  for (int i = n - correct + 1; i <= n; ++i) all_wrong *= 1 - static_cast<double>(k) / i;
  return 1 - all_wrong;
}

double GPassAtK(int n, int correct, int k, double tau) {
  CheckCounts(n, correct, k);
  GRPO_CHECK(tau >= 0 && tau <= 1);
  const int least = std::max(1, static_cast<int>(std::ceil(tau * k - 1e-9)));
  if (least == 1) return PassAtK(n, correct, k);
  double chance = 0;
  for (int right = least; right <= std::min(correct, k); ++right) {
    chance += ChanceOf(right, n, correct, k);
  }
  return std::min(1.0, chance);
}

double MeanGPassAtK(int n, int correct, int k) {
  double sum = 0;
  for (int right = (k + 1) / 2 + 1; right <= k; ++right) {
    sum += GPassAtK(n, correct, k, static_cast<double>(right) / k);
  }
  return 2 * sum / k;
}

double Majority(const std::vector<Vote>& votes) {
  struct Count {
    int votes = 0, correct = 0;
  };
  std::map<int, Count> counts;
  int most = 0;
  for (const Vote& vote : votes) {
    if (vote.answer < 0) continue;
    Count& count = counts[vote.answer];
    most = std::max(most, ++count.votes);
    count.correct += vote.correct;
  }
  double points = 0;
  int winners = 0;
  for (const auto& [answer, count] : counts) {
    if (count.votes < most) continue;
    ++winners;
    points += static_cast<double>(count.correct) / count.votes;
  }
  return winners == 0 ? 0 : points / winners;
}

double MajorityAtK(const std::vector<Vote>& votes, int k) {
  CheckCounts(static_cast<int>(votes.size()), 0, k);
  const int parts = static_cast<int>(votes.size()) / k;
  double sum = 0;
  for (int part = 0; part < parts; ++part) {
    const auto begin = votes.begin() + part * k;
    sum += Majority({begin, begin + k});
  }
  return sum / parts;
}

}  // namespace grpo
