// Every objective, divergence and correction against a second implementation with its own
// derivatives (reference_objective.h, dual.h) and against finite differences, in double precision.
#include <cmath>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "data/random.h"
#include "rl/objective.h"
#include "rl/objective/aggregation.h"
#include "rl/objective/algorithm.h"
#include "rl/objective/kl.h"
#include "tests/rl/objective/reference_objective.h"

namespace grpo {
namespace {

constexpr int kMaxTokens = 9;

// Sequences of 1 to 7 tokens whose policies differ by much: every bound is met.
struct Batch {
  std::vector<ReferenceSequence> sequences;
  std::vector<double> logprobs;
  MicroBatch micro;
};

Batch RandomBatch(uint64_t seed, const std::string& aggregation, bool recomputed) {
  RandomStream random(seed, 7);
  Batch batch;
  std::vector<double> old, behavior, reference, advantages, lengths, weights;
  std::vector<int64_t> places, token_counts;
  for (int s = 0; s < 6; ++s) {
    ReferenceSequence sequence;
    sequence.first = batch.logprobs.size();
    const int length = random.Between(1, 7);
    const double advantage = random.Normal(), shift = 0.6 * random.Normal();
    for (int t = 0; t < length; ++t) {
      const double logprob = -0.1 - 2 * std::abs(random.Normal());
      batch.logprobs.push_back(logprob);
      sequence.old.push_back(std::min(-0.01, logprob + shift + 0.4 * random.Normal()));
      sequence.behavior.push_back(
          std::min(-0.01, sequence.old.back() + shift + 0.5 * random.Normal()));
      sequence.reference.push_back(std::min(-0.01, logprob + 0.5 * random.Normal()));
      sequence.advantages.push_back(advantage);
      places.push_back(s);
    }
    old.insert(old.end(), sequence.old.begin(), sequence.old.end());
    behavior.insert(behavior.end(), sequence.behavior.begin(), sequence.behavior.end());
    reference.insert(reference.end(), sequence.reference.begin(), sequence.reference.end());
    advantages.insert(advantages.end(), length, advantage);
    lengths.push_back(length);
    token_counts.push_back(length);
    batch.sequences.push_back(std::move(sequence));
  }
  const std::vector<double> token_weights = TokenWeights(aggregation, token_counts, kMaxTokens);
  for (const int64_t place : places) weights.push_back(token_weights[place]);
  MicroBatch& micro = batch.micro;
  micro.sequences = at::tensor(places, at::kLong);
  micro.sequence_lengths = at::tensor(lengths, at::kDouble);
  micro.loss_weights = at::tensor(weights, at::kDouble);
  micro.advantages = at::tensor(advantages, at::kDouble);
  micro.behavior_logprobs = at::tensor(behavior, at::kDouble);
  if (recomputed) micro.old_logprobs = at::tensor(old, at::kDouble);
  micro.reference_logprobs = at::tensor(reference, at::kDouble);
  return batch;
}

struct ValueAndGradient {
  double value = 0;
  std::vector<double> gradient;
};

ValueAndGradient Ours(const PolicyObjectiveConfig& config, const Batch& batch,
                      ObjectiveSums* sums) {
  const at::Tensor logprobs = at::tensor(batch.logprobs, at::kDouble).set_requires_grad(true);
  const at::Tensor loss =
      PolicyObjective(config, batch.micro, {logprobs, at::zeros_like(logprobs), {}}, sums);
  ValueAndGradient result;
  result.value = loss.item<double>();
  const at::Tensor gradient =
      torch::autograd::grad({loss}, {logprobs}, {}, false, false, /*allow_unused=*/true)[0];
  for (size_t i = 0; i < batch.logprobs.size(); ++i) {
    result.gradient.push_back(gradient.defined() ? gradient[i].item<double>() : 0);
  }
  return result;
}

ValueAndGradient Reference(const PolicyObjectiveConfig& config, const Batch& batch) {
  std::vector<Dual> logprobs;
  for (size_t i = 0; i < batch.logprobs.size(); ++i) {
    logprobs.push_back(Dual::Input(batch.logprobs[i], i, batch.logprobs.size()));
  }
  const Dual loss =
      ReferenceObjective<Dual>(config, batch.sequences, kMaxTokens).Loss(logprobs, batch.logprobs);
  ValueAndGradient result = {loss.value, loss.slopes};
  result.gradient.resize(batch.logprobs.size());
  return result;
}

std::vector<double> FiniteDifferences(const PolicyObjectiveConfig& config, const Batch& batch) {
  const ReferenceObjective<double> reference(config, batch.sequences, kMaxTokens);
  std::vector<double> slopes;
  for (size_t i = 0; i < batch.logprobs.size(); ++i) {
    std::vector<double> above = batch.logprobs, below = batch.logprobs;
    above[i] += 1e-6;
    below[i] -= 1e-6;
    slopes.push_back(
        (reference.Loss(above, batch.logprobs) - reference.Loss(below, batch.logprobs)) / 2e-6);
  }
  return slopes;
}

// Returns how many tokens were clipped, truncated or masked, so that a test can see that its bounds
// were met.
ObjectiveSums Compare(const PolicyObjectiveConfig& config) {
  ObjectiveSums all;
  for (uint64_t seed = 0; seed < 8; ++seed) {
    const Batch batch =
        RandomBatch(seed, config.objective.aggregation, config.off_policy.recompute_old);
    ObjectiveSums sums;
    const ValueAndGradient ours = Ours(config, batch, &sums);
    const ValueAndGradient reference = Reference(config, batch);
    const std::vector<double> slopes = FiniteDifferences(config, batch);
    EXPECT_NEAR(ours.value, reference.value, 1e-11 * (1 + std::abs(reference.value)));
    EXPECT_EQ(ours.value, sums.loss);
    for (size_t i = 0; i < slopes.size(); ++i) {
      const double scale = 1 + std::abs(reference.gradient[i]);
      EXPECT_NEAR(ours.gradient[i], reference.gradient[i], 1e-11 * scale) << "token " << i;
      // A quotient of differences has the value's rounding in it, over a step of 2e-6.
      EXPECT_NEAR(ours.gradient[i], slopes[i], 1e-6 * scale + 1e-9 * std::abs(reference.value))
          << "token " << i;
    }
    all.Add(sums);
  }
  return all;
}

TEST(ObjectiveFormulasTest, EveryPolicyLossUnderEveryAggregation) {
  for (const char* loss : {"clip", "gspo", "cispo", "sapo", "dppo_tv", "policy_gradient"}) {
    for (const char* aggregation : {"token_mean", "sequence_mean", "sequence_sum", "constant"}) {
      for (const bool recompute_old : {false, true}) {
        SCOPED_TRACE(absl::StrCat(loss, ", ", aggregation, ", ", recompute_old));
        PolicyObjectiveConfig config;
        config.objective.policy_loss = loss;
        config.objective.aggregation = aggregation;
        config.off_policy.recompute_old = recompute_old;
        const ObjectiveSums sums = Compare(config);
        const bool bounded = loss != std::string("sapo") && loss != std::string("policy_gradient");
        EXPECT_EQ(sums.clipped_high > 0, bounded);
        EXPECT_EQ(sums.clipped_low > 0, bounded && loss != std::string("cispo"));
      }
    }
  }
}

TEST(ObjectiveFormulasTest, DualClipBoundsTheLossOfBadTokens) {
  for (const char* loss : {"clip", "gspo"}) {
    PolicyObjectiveConfig config;
    config.objective.policy_loss = loss;
    config.objective.clip_high = 10;  // so that what is counted as clipped is the dual bound's
    config.objective.dual_clip = 1.2;
    EXPECT_GT(Compare(config).clipped_high, 0) << loss;
  }
}

TEST(ObjectiveFormulasTest, EveryDivergence) {
  for (const char* estimator : {"k1", "k2", "k3", "k3_k2_gradient", "weighted_k3"}) {
    for (const bool recompute_old : {false, true}) {
      SCOPED_TRACE(absl::StrCat(estimator, ", ", recompute_old));
      PolicyObjectiveConfig config;
      config.objective.kl_estimator = estimator;
      config.objective.kl_coef = 0.7;
      config.off_policy.recompute_old = recompute_old;
      EXPECT_NE(Compare(config).kl, 0);
      config.objective.kl_in = "reward";  // then it is a metric alone
      EXPECT_NE(Compare(config).kl, 0);
    }
  }
}

TEST(ObjectiveFormulasTest, EveryCorrectionAtBothLevels) {
  for (const char* correction : {"none", "full", "tis", "mis", "icepop"}) {
    for (const char* level : {"token", "sequence"}) {
      for (const char* loss : {"clip", "policy_gradient", "cispo"}) {
        for (const bool recompute_old : {false, true}) {
          SCOPED_TRACE(absl::StrCat(correction, ", ", level, ", ", loss, ", ", recompute_old));
          PolicyObjectiveConfig config;
          config.objective.policy_loss = loss;
          config.off_policy.correction = correction;
          config.off_policy.level = level;
          config.off_policy.recompute_old = recompute_old;
          config.off_policy.high = 1.3;
          config.off_policy.low = 0.8;
          const ObjectiveSums sums = Compare(config);
          const std::string name = correction;
          EXPECT_EQ(sums.correction_truncated > 0, name == "tis");
          EXPECT_EQ(sums.correction_masked > 0, name == "mis" || name == "icepop");
        }
      }
    }
  }
}

TEST(ObjectiveFormulasTest, SequencesThatLeftTheSamplerAreMasked) {
  PolicyObjectiveConfig config;
  config.off_policy.sequence_mask_delta = 0.05;
  EXPECT_GT(Compare(config).correction_masked, 0);
  config.off_policy = {};
  config.off_policy.geometric_low = 0.9;
  EXPECT_GT(Compare(config).correction_masked, 0);
  config.off_policy.geometric_high = 1.1;
  config.off_policy.recompute_old = true;
  EXPECT_GT(Compare(config).correction_masked, 0);
  config.off_policy.correction = "icepop";
  config.off_policy.sequence_mask_delta = 0.05;
  EXPECT_GT(Compare(config).correction_masked, 0);
}

TEST(ObjectiveFormulasTest, EveryNamedAlgorithm) {
  EXPECT_GE(AlgorithmNames().size(), 12u);
  for (const std::string& name : AlgorithmNames()) {
    SCOPED_TRACE(name);
    PolicyObjectiveConfig config;
    ApplyAlgorithm(name, &config.objective);
    config.objective.kl_coef = 0.1;
    Compare(config);
  }
}

// The gradient of r k3 is r D grad log pi: that of k1 in the reward, weighted by the ratio.
TEST(KlEstimateTest, TheGradientOfWeightedK3IsTheRatioTimesTheDifference) {
  const Batch batch = RandomBatch(5, "token_mean", true);
  const at::Tensor logprobs = at::tensor(batch.logprobs, at::kDouble).set_requires_grad(true);
  const at::Tensor kl =
      KlEstimate("weighted_k3", logprobs, batch.micro.old_logprobs, batch.micro.reference_logprobs);
  const at::Tensor gradient = torch::autograd::grad({kl.sum()}, {logprobs})[0];
  const at::Tensor expected = (logprobs.detach() - batch.micro.old_logprobs).exp() *
                              (logprobs.detach() - batch.micro.reference_logprobs);
  EXPECT_LT((gradient - expected).abs().max().item<double>(), 1e-12);
}

TEST(PolicyObjectiveTest, WithoutRecomputedLogProbsTheOldPolicyIsTheOneThatLearns) {
  Batch batch = RandomBatch(3, "token_mean", /*recomputed=*/false);
  PolicyObjectiveConfig config;
  config.off_policy.recompute_old = true;
  config.off_policy.correction = "full";
  ObjectiveSums sums;
  const ValueAndGradient ours = Ours(config, batch, &sums);
  EXPECT_EQ(sums.clipped_low + sums.clipped_high, 0);
  // Then it is importance sampling: -rho A grad log pi.
  const at::Tensor rho =
      (at::tensor(batch.logprobs, at::kDouble) - batch.micro.behavior_logprobs).exp();
  const at::Tensor expected = -rho * batch.micro.advantages * batch.micro.loss_weights;
  for (size_t i = 0; i < batch.logprobs.size(); ++i) {
    EXPECT_NEAR(ours.gradient[i], expected[i].item<double>(), 1e-14);
  }
}

TEST(PolicyObjectiveTest, TokensThatAreNotSelectedKeepTheirDivergenceAlone) {
  Batch batch = RandomBatch(4, "token_mean", false);
  PolicyObjectiveConfig config;
  config.objective.policy_loss = "policy_gradient";
  batch.micro.selected = at::ones_like(batch.micro.advantages);
  batch.micro.selected[2] = 0;
  ObjectiveSums sums;
  const ValueAndGradient without = Ours(config, batch, &sums);
  EXPECT_EQ(without.gradient[2], 0);
  EXPECT_NE(without.gradient[1], 0);
  config.objective.kl_coef = 0.1;
  EXPECT_NE(Ours(config, batch, &sums).gradient[2], 0);
}

TEST(PolicyObjectiveTest, TheEntropyBonusIsTheWeightedEntropy) {
  const Batch batch = RandomBatch(4, "token_mean", false);
  PolicyObjectiveConfig config;
  const at::Tensor logprobs = at::tensor(batch.logprobs, at::kDouble);
  const at::Tensor entropy = at::full_like(logprobs, 2).set_requires_grad(true);
  ObjectiveSums sums;
  const double plain =
      PolicyObjective(config, batch.micro, {logprobs, entropy, {}}, &sums).item<double>();
  config.entropy_coef = 0.5;
  const at::Tensor loss = PolicyObjective(config, batch.micro, {logprobs, entropy, {}}, &sums);
  EXPECT_NEAR(loss.item<double>(), plain - 0.5 * 2, 1e-12);
  const at::Tensor gradient = torch::autograd::grad({loss}, {entropy})[0];
  EXPECT_TRUE(gradient.allclose(-0.5 * batch.micro.loss_weights));
}

TEST(PolicyObjectiveTest, ALogProbOfMinusInfinityAddsNothingWhereTheRatioBoundsIt) {
  Batch batch = RandomBatch(2, "token_mean", false);
  batch.logprobs[1] = -INFINITY;
  for (const char* loss : {"clip", "gspo", "sapo"}) {
    PolicyObjectiveConfig config;
    config.objective.policy_loss = loss;
    ObjectiveSums sums;
    const ValueAndGradient ours = Ours(config, batch, &sums);
    EXPECT_TRUE(std::isfinite(ours.value)) << loss;
    for (const double slope : ours.gradient) EXPECT_TRUE(std::isfinite(slope)) << loss;
  }
}

TEST(TokenWeightsTest, SequencesWithoutTokensCountForNothing) {
  EXPECT_EQ(TokenWeights("token_mean", {1, 0, 3}, 8), (std::vector<double>{.25, 0, .25}));
  EXPECT_EQ(TokenWeights("sequence_mean", {1, 0, 4}, 8), (std::vector<double>{.5, 0, .125}));
  EXPECT_EQ(TokenWeights("sequence_sum", {1, 0, 4}, 8), (std::vector<double>{.5, 0, .5}));
  EXPECT_EQ(TokenWeights("constant", {1, 0, 4}, 8), (std::vector<double>{.0625, 0, .0625}));
  EXPECT_EQ(TokenWeights("token_mean", {0, 0}, 8), (std::vector<double>{0, 0}));
}

}  // namespace
}  // namespace grpo
