// What is drawn follows the distribution that the settings define: chi-square tests of histograms
// against an exact distribution in double precision, written anew here without the sampler's parts.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "data/random.h"
#include "rollout/token_sampler.h"

namespace grpo {
namespace {

constexpr int kDraws = 200000;
constexpr double kLeastPValue = 1e-4;  // seeds are fixed: a test passes always or never

// ---- The exact distribution

struct Exact {
  std::vector<double> probabilities;  // [V]; 0 where cut off
  double log_kept_mass = 0;
};

std::vector<double> Softmax(const std::vector<double>& logits, double temperature) {
  const double top = *std::max_element(logits.begin(), logits.end());
  std::vector<double> p;
  for (double logit : logits) p.push_back(std::exp((logit - top) / temperature));
  const double sum = std::accumulate(p.begin(), p.end(), 0.0);
  for (double& value : p) value /= sum;
  return p;
}

std::vector<double> AdjustedLogits(const SamplingConfig& config, const std::vector<float>& logits,
                                   const std::set<int32_t>& seen) {
  std::vector<double> adjusted(logits.begin(), logits.end());
  for (int32_t token : seen) {
    const double penalty = config.repetition_penalty;
    adjusted[token] = adjusted[token] > 0 ? adjusted[token] / penalty : adjusted[token] * penalty;
  }
  for (const LogitBias& entry : config.logit_bias) adjusted[entry.token] += entry.bias;
  return adjusted;
}

double MassOf(const std::vector<double>& p, const std::vector<int>& tokens) {
  double mass = 0;
  for (int token : tokens) mass += p[token];
  return mass;
}

// The kept tokens, best first.
std::vector<int> KeptTokens(const SamplingConfig& config, const std::vector<double>& p) {
  std::vector<int> kept(p.size());
  std::iota(kept.begin(), kept.end(), 0);
  std::stable_sort(kept.begin(), kept.end(), [&](int a, int b) { return p[a] > p[b]; });
  if (config.top_k > 0 && config.top_k < static_cast<int>(kept.size())) kept.resize(config.top_k);
  const double wanted = config.top_p * MassOf(p, kept);
  if (config.top_p < 1) {
    size_t count = 0;
    for (double mass = 0; mass < wanted; ++count) mass += p[kept[count]];
    kept.resize(count);
  }
  while (p[kept.back()] < config.min_p * p[kept[0]]) kept.pop_back();
  return kept;
}

Exact ExactDistribution(const SamplingConfig& config, const std::vector<float>& logits,
                        const std::set<int32_t>& seen) {
  const std::vector<double> p = Softmax(AdjustedLogits(config, logits, seen), config.temperature);
  const std::vector<int> kept = KeptTokens(config, p);
  const double mass = MassOf(p, kept);
  Exact exact;
  exact.probabilities.resize(p.size());
  for (int token : kept) exact.probabilities[token] = p[token] / mass;
  exact.log_kept_mass = std::log(mass);
  return exact;
}

// ---- The test statistic

// The upper tail of the gamma distribution, Q(a, x), by its series or its continued fraction.
double UpperGamma(double a, double x) {
  if (x <= 0) return 1;
  const double factor = std::exp(-x + a * std::log(x) - std::lgamma(a));
  if (x < a + 1) {
    double term = 1 / a, sum = term;
    for (int n = 1; term > sum * 1e-15; ++n) sum += term *= x / (a + n);
    return 1 - factor * sum;
  }
  double b = x + 1 - a, c = 1e300, d = 1 / b, h = d;
  for (int n = 1; n < 10000; ++n) {
    const double step = n * (a - n);
    b += 2;
    d = 1 / (step * d + b);
    c = b + step / c;
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) break;
  }
  return factor * h;
}

// Of a histogram of kDraws draws. Tokens share bins, rare ones first, so that each bin expects at
// least 5 draws. A draw of an impossible token gives 0.
double PValue(const std::vector<int>& histogram, const std::vector<double>& probabilities) {
  std::vector<int> order(histogram.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](int a, int b) { return probabilities[a] < probabilities[b]; });
  double statistic = 0, expected = 0, drawn = 0, left = kDraws;
  int bins = 0;
  for (int token : order) {
    if (probabilities[token] == 0 && histogram[token] > 0) return 0;
    expected += probabilities[token] * kDraws;
    left -= probabilities[token] * kDraws;
    drawn += histogram[token];
    const bool rest_is_last = left < 5 && left > 1e-6;
    if (expected < 5 || rest_is_last) continue;
    statistic += (drawn - expected) * (drawn - expected) / expected;
    expected = drawn = 0;
    ++bins;
  }
  return bins > 1 ? UpperGamma((bins - 1) / 2.0, statistic / 2) : 1;
}

// ---- What is drawn

// Falling like natural text's logits, in no order of ids, with some of them equal.
std::vector<float> SkewedLogits(int vocabulary) {
  RandomStream random(11, vocabulary);
  std::vector<float> logits(vocabulary);
  for (int i = 0; i < vocabulary; ++i) {
    logits[i] = static_cast<float>(3 - 1.1 * std::log(1.0 + random.Below(vocabulary)));
  }
  return logits;
}

struct Context {
  std::vector<int32_t> prompt = {3, 7, 7, 20};
  std::vector<int32_t> completion = {7, 0, 41, 0};
  std::set<int32_t> Seen() const {
    std::set<int32_t> seen(prompt.begin(), prompt.end());
    seen.insert(completion.begin(), completion.end());
    return seen;
  }
};

// Draws with the engine's uniforms; checks each draw's record on the way.
std::vector<int> Histogram(const SamplingConfig& config, const std::vector<float>& logits,
                           double log_kept_mass, uint64_t seed) {
  const Context context;
  const std::vector<double> policy =
      Softmax(std::vector<double>(logits.begin(), logits.end()), config.temperature);
  TokenSampler sampler(config, logits.size());
  std::vector<int> histogram(logits.size());
  double worst_logprob = 0, worst_mass = 0;
  for (int i = 0; i < kDraws; ++i) {
    const SampledToken drawn =
        sampler.Draw(logits.data(), SamplingUniform(seed, i / 1000, i / 100 % 10, i % 100),
                     {context.prompt, context.completion});
    ++histogram[drawn.token];
    worst_logprob =
        std::max(worst_logprob, std::abs(drawn.logprob - std::log(policy[drawn.token])));
    worst_mass = std::max(worst_mass, std::abs(drawn.log_kept_mass - log_kept_mass));
  }
  EXPECT_LT(worst_logprob, 1e-5);
  EXPECT_LT(worst_mass, 1e-5);
  return histogram;
}

double PValueOf(const SamplingConfig& config, int vocabulary, uint64_t seed = 1) {
  const std::vector<float> logits = SkewedLogits(vocabulary);
  const Exact exact = ExactDistribution(config, logits, Context().Seen());
  return PValue(Histogram(config, logits, exact.log_kept_mass, seed), exact.probabilities);
}

// ---- Each setting, and settings together

struct Case {
  std::string name;
  SamplingConfig config;
};

Case Named(const std::string& name, const SamplingConfig& config) { return {name, config}; }

const std::vector<LogitBias>& Biases() {
  static const auto* biases = new std::vector<LogitBias>{{0, 1.5}, {7, -1}, {12, 2}, {13, -1000}};
  return *biases;
}

class SamplerDistributionTest : public testing::TestWithParam<Case> {};

TEST_P(SamplerDistributionTest, FollowsTheExactDistribution) {
  EXPECT_GT(PValueOf(GetParam().config, 50), kLeastPValue);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, SamplerDistributionTest,
    testing::Values(Named("TemperatureHalf", {.temperature = 0.5}), Named("TemperatureOne", {}),
                    Named("TemperatureTwo", {.temperature = 2}), Named("TopK", {.top_k = 8}),
                    Named("TopKOfAll", {.top_k = 50}), Named("TopP", {.top_p = 0.8}),
                    Named("MinP", {.min_p = 0.05}),
                    Named("TopKAndTopP", {.top_k = 20, .top_p = 0.7}),
                    Named("TopKAndMinP", {.temperature = 2, .top_k = 30, .min_p = 0.2}),
                    Named("TopPAndMinP", {.temperature = 0.5, .top_p = 0.95, .min_p = 0.02}),
                    Named("TopKAndTopPAndMinP",
                          {.temperature = 2, .top_k = 30, .top_p = 0.9, .min_p = 0.15}),
                    Named("RepetitionPenalty", {.repetition_penalty = 1.7}),
                    Named("RepetitionReward", {.repetition_penalty = 0.6}),
                    Named("LogitBias", {.logit_bias = Biases()}),
                    Named("PenaltyAndBias", {.repetition_penalty = 1.3, .logit_bias = Biases()}),
                    Named("All", {.temperature = 1.5,
                                  .top_k = 30,
                                  .top_p = 0.9,
                                  .min_p = 0.05,
                                  .repetition_penalty = 1.3,
                                  .logit_bias = Biases()})),
    [](const auto& info) { return info.param.name; });

TEST(LargeVocabularyTest, FollowsTheExactDistributionOfAllTokens) {
  EXPECT_GT(PValueOf({}, 5000), kLeastPValue);
}

TEST(LargeVocabularyTest, FollowsTheExactDistributionWithAllSettingsOn) {
  EXPECT_GT(PValueOf({.temperature = 1.5,
                      .top_k = 800,
                      .top_p = 0.9,
                      .min_p = 0.001,
                      .repetition_penalty = 1.3,
                      .logit_bias = Biases()},
                     5000),
            kLeastPValue);
}

// ---- The test itself

// What would be drawn if one part of the settings acted otherwise than it should.
double PValueOfWrongDraws(const SamplingConfig& right, const SamplingConfig& wrong) {
  const std::vector<float> logits = SkewedLogits(50);
  const std::set<int32_t> seen = Context().Seen();
  const Exact drawn = ExactDistribution(wrong, logits, seen);
  return PValue(Histogram(wrong, logits, drawn.log_kept_mass, 1),
                ExactDistribution(right, logits, seen).probabilities);
}

TEST(ChiSquareTest, RejectsWhatIsNearlyRight) {
  EXPECT_LT(PValueOfWrongDraws({}, {.temperature = 1.03}), kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.top_k = 8}, {.top_k = 9}), kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.top_k = 9}, {.top_k = 8}), kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.top_p = 0.8}, {.top_p = 0.84}), kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.min_p = 0.05}, {.min_p = 0.06}), kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.repetition_penalty = 1.7}, {.repetition_penalty = 1.4}),
            kLeastPValue);
  EXPECT_LT(PValueOfWrongDraws({.logit_bias = {{12, 2}}}, {.logit_bias = {{12, 1.9}}}),
            kLeastPValue);
}

TEST(ChiSquareTest, GivesPValuesThatAreThemselvesUniform) {
  double below_half = 0;
  for (uint64_t seed = 1; seed <= 20; ++seed) below_half += PValueOf({}, 50, seed) < 0.5;
  EXPECT_GE(below_half, 3);  // of 20 coins, fewer than 3 or more than 17 heads: 4 in 10000
  EXPECT_LE(below_half, 17);
}

TEST(ChiSquareTest, KnowsTheTableOfTheDistribution) {
  EXPECT_NEAR(UpperGamma(0.5, 3.841459 / 2), 0.05, 1e-6);  // 1 degree of freedom
  EXPECT_NEAR(UpperGamma(5, 23.20925 / 2), 0.01, 1e-6);    // 10
  EXPECT_NEAR(UpperGamma(50, 149.4493 / 2), 0.001, 1e-6);  // 100
  EXPECT_NEAR(UpperGamma(50, 77.92947 / 2), 0.95, 1e-6);
}

}  // namespace
}  // namespace grpo
