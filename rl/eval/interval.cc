#include "rl/eval/interval.h"

#include <algorithm>
#include <cmath>

#include "data/random.h"

namespace grpo {
namespace {

constexpr double kTail = 0.025;            // outside the interval, on each side
constexpr double kNormal = 1.95996398454;  // the standard normal's quantile at 1 - kTail

// Student's t quantile at 1 - kTail, by the expansion around the normal's (Abramowitz and Stegun
// 26.7.5); four digits from 5 degrees of freedom on.
double StudentQuantile(int freedom) {
  const double z = kNormal, f = freedom;
  return z + (std::pow(z, 3) + z) / (4 * f) +
         (5 * std::pow(z, 5) + 16 * std::pow(z, 3) + 3 * z) / (96 * f * f) +
         (3 * std::pow(z, 7) + 19 * std::pow(z, 5) + 17 * std::pow(z, 3) - 15 * z) /
             (384 * std::pow(f, 3)) +
         (79 * std::pow(z, 9) + 776 * std::pow(z, 7) + 1482 * std::pow(z, 5) -
          1920 * std::pow(z, 3) - 945 * z) /
             (92160 * std::pow(f, 4));
}

// The share of resamples beyond each end, for n values: less than kTail, as the bootstrap's
// distribution is narrower than that of the mean by sqrt((n - 1) / n) and Student's.
double ExpandedTail(int n) {
  const double ends = std::sqrt(n / (n - 1.0)) * StudentQuantile(n - 1);
  return 0.5 * std::erfc(ends / std::sqrt(2.0));
}

}  // namespace

Interval MeanInterval(const std::vector<double>& values, Interval whole,
                      const BootstrapConfig& config) {
  const size_t n = values.size();
  if (n < 2) return whole;
  const auto [least, most] = std::minmax_element(values.begin(), values.end());
  if (*least == *most) {
    const double unseen = 1 - std::pow(kTail, 1.0 / n);
    return {*least - unseen * (*least - whole.low), *most + unseen * (whole.high - *most)};
  }
  RandomStream random(config.seed, n);
  std::vector<double> means(config.resamples);
  for (double& mean : means) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += values[random.Below(n)];
    mean = sum / n;
  }
  std::sort(means.begin(), means.end());
  const double last = config.resamples - 1;
  const double tail = ExpandedTail(static_cast<int>(n)) * last;
  return {std::max(whole.low, means[std::floor(tail)]),
          std::min(whole.high, means[std::ceil(last - tail)])};
}

}  // namespace grpo
