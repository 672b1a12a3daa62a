#include "rollout/token_sampler.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, -1.0f, 0.5f};

std::vector<double> Softmax(double temperature) {
  std::vector<double> p;
  double sum = 0;
  for (float logit : kLogits) sum += std::exp(logit / temperature);
  for (float logit : kLogits) p.push_back(std::exp(logit / temperature) / sum);
  return p;
}

std::vector<double> Histogram(const SamplingConfig& config) {
  TokenSampler sampler(config, kLogits.size());
  RandomStream random(1, 2);
  std::vector<double> share(kLogits.size());
  for (int i = 0; i < 100000; ++i)
    share[sampler.Draw(kLogits.data(), random.Uniform()).token] += 1e-5;
  return share;
}

TEST(TokenSamplerTest, DrawsFromTheSoftmaxAtTheTemperature) {
  for (double temperature : {0.5, 1.0, 2.0}) {
    SamplingConfig config;
    config.temperature = temperature;
    const std::vector<double> share = Histogram(config), expected = Softmax(temperature);
    for (size_t i = 0; i < share.size(); ++i) EXPECT_NEAR(share[i], expected[i], 0.006);
  }
}

TEST(TokenSamplerTest, RecordsTheLogProbOverTheWholeVocabulary) {
  SamplingConfig config;
  config.temperature = 0.7;
  config.top_k = 2;
  TokenSampler sampler(config, kLogits.size());
  const SampledToken drawn = sampler.Draw(kLogits.data(), 0.01);
  const std::vector<double> p = Softmax(0.7);
  EXPECT_EQ(drawn.token, 1);
  EXPECT_NEAR(drawn.logprob, std::log(p[1]), 1e-6);
  EXPECT_NEAR(drawn.log_kept_mass, std::log(p[1] + p[2]), 1e-6);
}

TEST(TokenSamplerTest, TakesTheMostLikelyTokenAtTemperatureZero) {
  SamplingConfig config;
  config.temperature = 0;
  TokenSampler sampler(config, kLogits.size());
  for (double uniform : {0.001, 0.5, 0.999})
    EXPECT_EQ(sampler.Draw(kLogits.data(), uniform).token, 1);
}

TEST(TokenSamplerTest, TopKKeepsTheKMostLikelyTokens) {
  SamplingConfig config;
  config.top_k = 2;
  const std::vector<double> share = Histogram(config), p = Softmax(1);
  EXPECT_NEAR(share[1], p[1] / (p[1] + p[2]), 0.006);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
}

TEST(TokenSamplerTest, TopPKeepsTheSmallestSetThatReachesTheMass) {
  SamplingConfig config;
  const std::vector<double> p = Softmax(1);
  config.top_p = p[1] + p[2] / 2;  // the second token is needed to reach it
  const std::vector<double> share = Histogram(config);
  EXPECT_GT(share[2], 0.2);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
}

TEST(TokenSamplerTest, TopPZeroPointSomethingAlwaysKeepsTheBestToken) {
  SamplingConfig config;
  config.top_p = 1e-9;
  EXPECT_NEAR(Histogram(config)[1], 1, 1e-9);
}

TEST(TokenSamplerTest, MinPDropsTokensBelowAShareOfTheBest) {
  SamplingConfig config;
  config.min_p = 0.2;  // e^-1 = 0.37 stays, e^-2 = 0.14 goes
  const std::vector<double> share = Histogram(config);
  EXPECT_GT(share[2], 0.2);
  EXPECT_EQ(share[0] + share[3] + share[4], 0);
}

TEST(TokenSamplerTest, NeverDrawsATokenOfProbabilityZero) {
  const std::vector<float> logits = {-INFINITY, 0.0f, -INFINITY};
  TokenSampler sampler(SamplingConfig(), logits.size());
  for (double uniform : {1e-17, 0.5, 1 - 1e-16})
    EXPECT_EQ(sampler.Draw(logits.data(), uniform).token, 1);
}

TEST(TokenSamplerTest, PassesOverWholeBlocksOfALargeVocabulary) {
  const std::vector<float> logits(1000, 0.5f);
  TokenSampler sampler(SamplingConfig(), logits.size());
  for (int token : {0, 1, 255, 256, 511, 512, 767, 768, 999})
    EXPECT_EQ(sampler.Draw(logits.data(), (token + 0.5) / 1000).token, token);
}

TEST(TokenSamplerTest, GreedyTakesTheFirstOfEquallyLikelyTokens) {
  std::vector<float> logits(100, -2.0f);
  logits[97] = logits[40] = logits[99] = 1;
  SamplingConfig config;
  config.temperature = 0;
  TokenSampler sampler(config, logits.size());
  EXPECT_EQ(sampler.Draw(logits.data(), 0.5).token, 40);
}

TEST(TokenSamplerTest, GreedyHeedsThePenaltyAndTheBias) {
  SamplingConfig config;
  config.temperature = 0;
  config.repetition_penalty = 2;
  TokenSampler penalized(config, kLogits.size());
  EXPECT_EQ(penalized.Draw(kLogits.data(), 0.5).token, 1);
  const std::vector<int32_t> context = {1, 1};
  EXPECT_EQ(penalized.Draw(kLogits.data(), 0.5, {context, {}}).token, 2);
  EXPECT_EQ(penalized.Draw(kLogits.data(), 0.5, {{}, context}).token, 2);
  config.repetition_penalty = 1;
  config.logit_bias = {{3, 4.5}};
  EXPECT_EQ(TokenSampler(config, kLogits.size()).Draw(kLogits.data(), 0.5).token, 3);
}

TEST(TokenSamplerTest, PenalisesATokenOnceHoweverOftenItOccurs) {
  SamplingConfig config;
  config.temperature = 0;
  config.repetition_penalty = 1.4;  // 3 / 1.4 = 2.1 stays the best, 3 / 1.4 / 1.4 would not
  const std::vector<int32_t> context = {1, 1};
  TokenSampler sampler(config, kLogits.size());
  EXPECT_EQ(sampler.Draw(kLogits.data(), 0.5, {context, context}).token, 1);
}

TEST(TokenSamplerTest, RecordsThePolicysOwnLogProbWhateverReshapesTheDraw) {
  SamplingConfig plain, reshaped;
  plain.temperature = reshaped.temperature = 0.7;
  reshaped.repetition_penalty = 1.5;
  reshaped.logit_bias = {{4, 2}};
  TokenSampler policy(plain, kLogits.size()), sampler(reshaped, kLogits.size());
  EXPECT_FALSE(policy.reshapes());
  EXPECT_TRUE(sampler.reshapes());
  const std::vector<int32_t> context = {1};
  for (double uniform : {0.01, 0.3, 0.6, 0.9, 0.99}) {
    const SampledToken drawn = sampler.Draw(kLogits.data(), uniform, {context, {}});
    EXPECT_EQ(drawn.logprob, policy.Force(kLogits.data(), drawn.token).logprob);
  }
}

TEST(TokenSamplerTest, RecordsAForcedTokenLikeADrawnOne) {
  SamplingConfig config;
  config.temperature = 0.7;
  TokenSampler sampler(config, kLogits.size());
  const SampledToken drawn = sampler.Draw(kLogits.data(), 0.7);
  const SampledToken forced = sampler.Force(kLogits.data(), drawn.token);
  EXPECT_EQ(forced.token, drawn.token);
  EXPECT_EQ(forced.logprob, drawn.logprob);
}

TEST(TokenSamplerTest, TellsOfLogitsThatAreNotNumbers) {
  for (float broken : {NAN, INFINITY}) {
    const std::vector<float> logits = {0.0f, broken, 1.0f};
    for (int top_k : {0, 2}) {
      SamplingConfig config;
      config.top_k = top_k;
      TokenSampler sampler(config, logits.size());
      EXPECT_TRUE(std::isnan(sampler.Draw(logits.data(), 0.5).logprob));
    }
  }
}

}  // namespace
}  // namespace grpo
