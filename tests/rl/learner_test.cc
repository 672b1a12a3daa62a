#include "rl/learner.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "rl/objective/algorithm.h"
#include "tests/policy/random_adapters.h"
#include "tests/rl/tiny_batch.h"

namespace grpo {
namespace {

LossFunction Loss() {
  PolicyObjectiveConfig config;
  config.objective.kl_coef = 0.05;
  return [config](const MicroBatch& micro, const PolicyOutputs& policy, ObjectiveSums* sums) {
    return PolicyObjective(config, micro, policy, sums);
  };
}

std::vector<at::Tensor> Gradients(Weights weights, const StepBatch& batch,
                                  const LearnerConfig& config, ObjectiveSums* sums) {
  Learner learner(weights, config);
  return learner.Gradients(batch, Loss(), sums);
}

double RelativeDifference(const std::vector<at::Tensor>& a, const std::vector<at::Tensor>& b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += (a[i] - b[i]).to(at::kDouble).square().sum().item<double>();
    norm += b[i].to(at::kDouble).square().sum().item<double>();
  }
  return std::sqrt(difference / norm);
}

TEST(LearnerTest, GivesTheSameLossAndGradientForAnyMicroBatchSize) {
  const Weights weights = Weights::Random(TinyConfig(), 0.2, 1);
  const StepBatch batch = TinyBatch(23, 4);
  ObjectiveSums whole_sums;
  const auto whole =
      Gradients(weights.Clone(), batch, {.threads = 1, .micro_batch_tokens = 1 << 20}, &whole_sums);
  for (int tokens : {1, 16, 50, 100}) {
    ObjectiveSums sums;
    const auto gradients =
        Gradients(weights.Clone(), batch, {.threads = 1, .micro_batch_tokens = tokens}, &sums);
    EXPECT_NEAR(sums.loss, whole_sums.loss, 1e-6 * std::abs(whole_sums.loss));
    EXPECT_EQ(sums.tokens, whole_sums.tokens);
    EXPECT_EQ(sums.clipped_low, whole_sums.clipped_low);
    EXPECT_LT(RelativeDifference(gradients, whole), 1e-6) << tokens;
  }
}

// Denominators are the step's, and what a sequence shares is not cut by a micro-batch's border.
TEST(LearnerTest, EveryAlgorithmGivesTheSameGradientForAnyMicroBatchSize) {
  const Weights weights = Weights::Random(TinyConfig(), 0.2, 1);
  for (const std::string& name : AlgorithmNames()) {
    SCOPED_TRACE(name);
    PolicyObjectiveConfig config;
    ApplyAlgorithm(name, &config.objective);
    config.objective.kl_coef = 0.1;
    config.off_policy.sequence_mask_delta = 0.1;
    config.entropy_coef = 0.01;
    StepBatch batch = TinyBatch(12, 4);
    std::vector<int64_t> lengths;
    for (const TrainingSample& sample : batch.samples) lengths.push_back(sample.NumLearned());
    batch.token_weights = TokenWeights(config.objective.aggregation, lengths, 10);
    const auto gradients = [&](int micro_batch_tokens, ObjectiveSums* sums) {
      Weights copy = weights.Clone();
      Learner learner(copy, {.threads = 2, .micro_batch_tokens = micro_batch_tokens});
      const auto loss = [&](const MicroBatch& micro, const PolicyOutputs& policy,
                            ObjectiveSums* micro_sums) {
        return PolicyObjective(config, micro, policy, micro_sums);
      };
      return learner.Gradients(batch, loss, sums);
    };
    ObjectiveSums whole_sums, sums;
    const auto whole = gradients(1 << 20, &whole_sums);
    EXPECT_LT(RelativeDifference(gradients(20, &sums), whole), 1e-6);
    EXPECT_NEAR(sums.loss, whole_sums.loss, 1e-6 * std::abs(whole_sums.loss) + 1e-9);
    EXPECT_EQ(sums.clipped_high, whole_sums.clipped_high);
    EXPECT_EQ(sums.correction_masked, whole_sums.correction_masked);
  }
}

TEST(LearnerTest, GivesTheSameBitsForAnyNumberOfThreads) {
  const Weights weights = Weights::Random(TinyConfig(), 0.2, 1);
  const StepBatch batch = TinyBatch(31, 4);
  for (int64_t small_policy_parameters : {0, 1 << 24}) {
    const auto gradients = [&](int threads, ObjectiveSums* sums) {
      return Gradients(weights.Clone(), batch,
                       {.threads = threads,
                        .micro_batch_tokens = 32,
                        .small_policy_parameters = small_policy_parameters},
                       sums);
    };
    ObjectiveSums sums;
    const auto one = gradients(1, &sums);
    for (int threads : {2, 5}) {
      ObjectiveSums other_sums;
      const auto other = gradients(threads, &other_sums);
      EXPECT_EQ(other_sums.loss, sums.loss);
      for (size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(other[i].equal(one[i]));
    }
  }
}

TEST(LearnerTest, GivesTheSameGradientWhetherThreadsShareAMicroBatchOrHaveOneEach) {
  const Weights weights = Weights::Random(TinyConfig(), 0.2, 1);
  const StepBatch batch = TinyBatch(31, 4);
  for (bool bf16 : {false, true}) {
    std::vector<at::Tensor> found[2];
    ObjectiveSums sums[2];
    for (bool small : {false, true}) {
      found[small] = Gradients(weights.Clone(), batch,
                               {.threads = 2,
                                .micro_batch_tokens = 32,
                                .bf16 = bf16,
                                .small_policy_parameters = small ? 1 << 24 : 0},
                               &sums[small]);
    }
    EXPECT_EQ(sums[0].loss, sums[1].loss);
    EXPECT_LT(RelativeDifference(found[0], found[1]), 1e-6);
  }
}

// Of the loss over the batch, in some entries of every parameter, which are fp64.
void ExpectGradientsOfFiniteDifferences(Learner& learner, const StepBatch& batch,
                                        const std::vector<NamedTensor>& parameters, int trials) {
  const auto loss_now = [&] {
    ObjectiveSums sums;
    learner.Gradients(batch, Loss(), &sums);
    return sums.loss;
  };
  ObjectiveSums sums;
  const auto gradients = learner.Gradients(batch, Loss(), &sums);
  ASSERT_EQ(gradients.size(), parameters.size());
  RandomStream random(9, 9);
  for (size_t p = 0; p < parameters.size(); ++p) {
    double* values = parameters[p].tensor.mutable_data_ptr<double>();
    for (int trial = 0; trial < trials; ++trial) {
      const int64_t at = random.Below(parameters[p].tensor.numel());
      const double value = values[at], step = 1e-6;
      values[at] = value + step;
      const double above = loss_now();
      values[at] = value - step;
      const double below = loss_now();
      values[at] = value;
      EXPECT_NEAR(gradients[p].view({-1})[at].item<double>(), (above - below) / (2 * step), 1e-7)
          << parameters[p].name << " entry " << at;
    }
  }
}

// The whole policy, from token ids to loss, in every kind of parameter.
TEST(LearnerTest, HasTheGradientOfFiniteDifferencesInDoublePrecision) {
  Weights weights = Weights::Random(TinyConfig(), 0.3, 2, at::kDouble);
  StepBatch batch = TinyBatch(5, 6);
  batch.temperature = 0.9;
  Learner learner(weights, {.threads = 1, .micro_batch_tokens = 40});
  ExpectGradientsOfFiniteDifferences(learner, batch, weights.Parameters(), 6);
}

// Groups of several sizes, some of which a micro-batch's border cuts.
StepBatch GroupedBatch() {
  StepBatch batch = TinyBatch(14, 11);
  for (size_t i = 0; i < batch.samples.size(); ++i) {
    TrainingSample& sample = batch.samples[i];
    const TrainingSample& first = batch.samples[i / 5 * 5];
    std::vector<int32_t> tokens(first.tokens.begin(), first.tokens.begin() + first.prompt_length);
    tokens.insert(tokens.end(), sample.tokens.begin() + sample.prompt_length, sample.tokens.end());
    sample.tokens = tokens;
    sample.prompt_length = first.prompt_length;
    sample.group = static_cast<int64_t>(i / 5);
  }
  return batch;
}

// The same with adapters, which are all that has a gradient.
TEST(LearnerTest, AdaptersHaveTheGradientOfFiniteDifferencesInDoublePrecision) {
  Weights wide = Weights::Random(TinyConfig(), 0.3, 2, at::kDouble);
  wide.adapters = RandomAdapters(TinyConfig(), 5);
  Weights weights = wide.To(at::kDouble);
  const StepBatch batch = GroupedBatch();
  Learner learner(weights, {.threads = 1, .micro_batch_tokens = 40});
  ExpectGradientsOfFiniteDifferences(learner, batch, weights.AdapterParameters(), 4);
}

TEST(LearnerTest, TrainsAdaptersAloneInEitherType) {
  for (const bool bf16 : {false, true}) {
    Weights weights = Weights::Random(TinyConfig(), 0.2, 3);
    LoraConfig config;
    config.attention_rank = config.mlp_rank = config.expert_rank = config.head_rank = 2;
    weights.adapters = NewAdapters(weights.config, config, 1);
    const Weights before = weights.Clone();
    const StepBatch batch = TinyBatch(16, 8);
    Learner learner(weights, {.threads = 2, .micro_batch_tokens = 64, .bf16 = bf16});
    OptimizerConfig optimizer_config;
    optimizer_config.learning_rate = 1e-2;
    Optimizer optimizer(learner.parameters(), optimizer_config, 100);
    double first = 0, last = 0;
    for (int step = 0; step < 60; ++step) {
      last = learner.Update(batch, ImitationObjective, optimizer).sums.loss;
      if (step == 0) first = last;
    }
    EXPECT_LT(last, 0.8 * first);
    const auto now = weights.Parameters(), then = before.Parameters();
    for (size_t i = 0; i < now.size(); ++i) EXPECT_TRUE(now[i].tensor.equal(then[i].tensor));
    for (const NamedTensor& parameter : weights.AdapterParameters()) {
      EXPECT_TRUE(parameter.tensor.ne(0).any().item<bool>()) << parameter.name;
    }
  }
}

TEST(LearnerTest, LogprobsEqualThoseOfTheUpdatePass) {
  Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  StepBatch batch = TinyBatch(9, 6);
  Learner learner(weights, {.threads = 2, .micro_batch_tokens = 24});
  const auto statistics =
      SampleStatistics(weights, batch.samples, batch.temperature, learner.config());
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  for (size_t i = 0; i < batch.samples.size(); ++i)
    batch.samples[i].behavior_logprobs = statistics->logprobs[i];
  ObjectiveSums sums;
  learner.Gradients(batch, Loss(), &sums);
  EXPECT_EQ(sums.difference_max, 0);
  EXPECT_EQ(sums.different, 0);
}

// Rounding to bfloat16 changes gradients by a few parts in a hundred, and what is left of the exact
// ones' direction is nearly all of it.
TEST(LearnerTest, InBFloat16HasNearlyTheGradientOfFp32AndTheSameBitsForAnyNumberOfThreads) {
  const StepBatch batch = TinyBatch(9, 6);
  const auto gradients = [&](bool bf16, int threads) {
    Weights weights = Weights::Random(TinyConfig(), 0.1, 2);
    Learner learner(weights, {.threads = threads, .micro_batch_tokens = 40, .bf16 = bf16});
    ObjectiveSums sums;
    return learner.Gradients(batch, Loss(), &sums);
  };
  const auto exact = gradients(false, 2), rounded = gradients(true, 2), alone = gradients(true, 1);
  const double difference = RelativeDifference(rounded, exact);
  EXPECT_LT(difference, 0.05);
  EXPECT_GT(difference, 1e-4);
  for (size_t i = 0; i < exact.size(); ++i) {
    EXPECT_EQ(rounded[i].scalar_type(), at::kFloat);
    EXPECT_TRUE(rounded[i].equal(alone[i]));
  }
}

TEST(LearnerTest, InBFloat16UpdatesFp32WeightsAndRoundsThemAgain) {
  Weights weights = Weights::Random(TinyConfig(), 0.1, 2);
  const Weights before = weights.Clone();
  Learner learner(weights, {.threads = 2, .micro_batch_tokens = 40, .bf16 = true});
  OptimizerConfig config;
  config.learning_rate = 1e-5;  // less than bfloat16 resolves
  Optimizer optimizer(weights.Parameters(), config, 10);
  learner.Update(TinyBatch(9, 6), Loss(), optimizer);
  const auto now = weights.Parameters(), then = before.Parameters(),
             rounded = learner.policy().Parameters();
  for (size_t i = 0; i < now.size(); ++i) {
    EXPECT_FALSE(now[i].tensor.equal(then[i].tensor)) << now[i].name;
    EXPECT_TRUE(rounded[i].tensor.equal(now[i].tensor.to(rounded[i].tensor.scalar_type())))
        << now[i].name;
  }
}

TEST(LearnerTest, InBFloat16LogprobsEqualThoseOfTheUpdatePass) {
  Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  StepBatch batch = TinyBatch(9, 6);
  Learner learner(weights, {.threads = 2, .micro_batch_tokens = 24, .bf16 = true});
  const auto statistics =
      SampleStatistics(learner.policy(), batch.samples, batch.temperature, learner.config());
  ASSERT_TRUE(statistics.ok()) << statistics.status();
  for (size_t i = 0; i < batch.samples.size(); ++i)
    batch.samples[i].behavior_logprobs = statistics->logprobs[i];
  ObjectiveSums sums;
  learner.Gradients(batch, Loss(), &sums);
  EXPECT_EQ(sums.different, 0);
}

TEST(LearnerTest, ASharedPromptChangesNoBitOfALogProb) {
  const Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  const StepBatch batch = GroupedBatch();
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const Weights typed = weights.To(dtype);
    for (const int tokens : {1, 30, 1 << 20}) {
      const auto statistics = [&](bool share) {
        auto result =
            SampleStatistics(typed, batch.samples, 1,
                             {.threads = 2, .micro_batch_tokens = tokens, .share_prompts = share});
        EXPECT_TRUE(result.ok()) << result.status();
        return *std::move(result);
      };
      const TokenStatistics shared = statistics(true), alone = statistics(false);
      EXPECT_EQ(shared.logprobs, alone.logprobs);
      EXPECT_EQ(shared.entropies, alone.entropies);
    }
  }
}

TEST(LearnerTest, ASharedPromptGivesTheSameGradient) {
  const Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  const StepBatch batch = GroupedBatch();
  const auto gradients = [&](bool share, int tokens, ObjectiveSums* sums) {
    Weights copy = weights.Clone();
    Learner learner(copy, {.threads = 2, .micro_batch_tokens = tokens, .share_prompts = share});
    return learner.Gradients(batch, Loss(), sums);
  };
  ObjectiveSums alone_sums, sums;
  const auto alone = gradients(false, 1 << 20, &alone_sums);
  for (const int tokens : {20, 1 << 20}) {
    EXPECT_LT(RelativeDifference(gradients(true, tokens, &sums), alone), 1e-6) << tokens;
    EXPECT_NEAR(sums.loss, alone_sums.loss, 1e-6 * std::abs(alone_sums.loss));
    sums = {};
  }
}

TEST(LearnerTest, RecomputedLayersGiveTheSameBits) {
  StepBatch batch = GroupedBatch();
  RouterConfig router;
  router.sequence_balance_coef = 0.1;
  for (const bool bf16 : {false, true}) {
    const auto gradients = [&](int recomputed, ObjectiveSums* sums) {
      Weights weights = Weights::Random(TinyConfig(), 0.2, 2);
      Learner learner(
          weights,
          {.threads = 2, .micro_batch_tokens = 40, .bf16 = bf16, .recomputed_layers = recomputed});
      const RouterTotals totals = RouterTotalsOf(batch, weights.config);
      const auto loss = [&](const MicroBatch& micro, const PolicyOutputs& policy,
                            ObjectiveSums* micro_sums) {
        return Loss()(micro, policy, micro_sums) +
               RouterLoss(router, weights.config, totals, micro, policy.routers).loss;
      };
      return learner.Gradients(batch, loss, sums);
    };
    ObjectiveSums kept_sums;
    const auto kept = gradients(0, &kept_sums);
    for (const int layers : {1, 2, 100}) {
      ObjectiveSums sums;
      const auto recomputed = gradients(layers, &sums);
      EXPECT_EQ(sums.loss, kept_sums.loss);
      EXPECT_EQ(sums.load, kept_sums.load);
      for (size_t i = 0; i < kept.size(); ++i) EXPECT_TRUE(recomputed[i].equal(kept[i]));
    }
  }
}

TEST(LearnerTest, UpdateLowersTheLossOfItsOwnBatch) {
  Weights weights = Weights::Random(TinyConfig(), 0.2, 3);
  const StepBatch batch = TinyBatch(16, 8);
  Learner learner(weights, {.threads = 2, .micro_batch_tokens = 64});
  OptimizerConfig config;
  config.learning_rate = 1e-2;
  Optimizer optimizer(weights.Parameters(), config, 100);
  double first = 0, last = 0;
  for (int step = 0; step < 60; ++step) {
    const auto update = learner.Update(batch, ImitationObjective, optimizer);
    (step == 0 ? first : last) = update.sums.loss;
  }
  EXPECT_LT(last, first / 4);
}

TEST(LearnerTest, LeavesFrozenRoutersAloneAndTrainsTheRestAsBefore) {
  const StepBatch batch = TinyBatch(9, 6);
  OptimizerConfig config;
  config.max_grad_norm = 0;  // a norm over fewer parameters would scale the others
  const auto train = [&](bool freeze, bool bf16) {
    Weights weights = Weights::Random(TinyConfig(), 0.2, 3);
    Learner learner(
        weights, {.threads = 2, .micro_batch_tokens = 64, .bf16 = bf16, .freeze_routers = freeze});
    Optimizer optimizer(learner.parameters(), config, 10);
    learner.Update(batch, Loss(), optimizer);
    return weights;
  };
  const Weights start = Weights::Random(TinyConfig(), 0.2, 3);
  for (const bool bf16 : {false, true}) {
    const Weights trained = train(false, bf16), frozen = train(true, bf16);
    EXPECT_FALSE(trained.layers[1].router.equal(start.layers[1].router));
    EXPECT_TRUE(frozen.layers[1].router.equal(start.layers[1].router));
    EXPECT_TRUE(frozen.layers[1].expert_down.equal(trained.layers[1].expert_down));
    EXPECT_TRUE(frozen.embedding.equal(trained.embedding));
  }
}

TEST(LearnerTest, NamesTheSamplesWhoseGradientIsNotFiniteAndChangesNothing) {
  Weights weights = Weights::Random(TinyConfig(), 0.2, 3);
  const Weights before = weights.Clone();
  StepBatch batch = TinyBatch(9, 6);
  batch.samples[2].advantage = {std::nan("")};
  batch.samples[7].advantage = {std::numeric_limits<double>::infinity()};
  Learner learner(weights, {.threads = 2, .micro_batch_tokens = 64});
  Optimizer optimizer(learner.parameters(), {}, 10);
  const UpdateStats stats = learner.Update(batch, Loss(), optimizer);
  EXPECT_TRUE(stats.optimizer.skipped);
  EXPECT_EQ(stats.not_finite, (std::vector<size_t>{2, 7}));
  EXPECT_EQ(weights.Digest(), before.Digest());
  EXPECT_EQ(optimizer.step(), 0);
}

TEST(LearnerTest, CountsWhereItsRoutingDiffersFromTheRecordUnlessItReplaysIt) {
  Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  StepBatch batch = TinyBatch(4, 6);
  int64_t rows = 0;
  for (TrainingSample& sample : batch.samples) {
    for (size_t t = 0; t + 1 < sample.tokens.size(); ++t) {
      sample.experts.insert(sample.experts.end(), {0, 1});  // one MoE layer, two experts
      ++rows;
    }
  }
  ObjectiveSums free_sums, replayed_sums;
  Gradients(weights.Clone(), batch, {.threads = 1, .micro_batch_tokens = 64}, &free_sums);
  EXPECT_EQ(free_sums.routed, rows);
  EXPECT_LT(free_sums.routed_alike, rows);
  batch.replay_routing = true;
  Gradients(weights.Clone(), batch, {.threads = 1, .micro_batch_tokens = 64}, &replayed_sums);
  EXPECT_EQ(replayed_sums.routed_alike, rows);
  EXPECT_NE(replayed_sums.loss, free_sums.loss);
}

TEST(LearnerTest, DoesNothingWithoutSamples) {
  Weights weights = Weights::Random(TinyConfig(), 0.2, 3);
  const std::string before = weights.Digest();
  Learner learner(weights, {});
  Optimizer optimizer(weights.Parameters(), OptimizerConfig(), 10);
  EXPECT_EQ(learner.Update(StepBatch(), nullptr, optimizer).sums.tokens, 0);
  EXPECT_EQ(weights.Digest(), before);
}

}  // namespace
}  // namespace grpo
