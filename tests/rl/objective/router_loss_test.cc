// The routers' losses against their formulas written out in loops, finite differences, and other
// layouts of the same step.
#include "rl/objective/router_loss.h"

#include <cmath>

#include <ATen/ATen.h>
#include <gtest/gtest.h>
#include <torch/csrc/autograd/autograd.h>

#include "rl/learner.h"
#include "tests/rl/tiny_batch.h"

namespace grpo {
namespace {

// Five rows of four experts, two used; two completions with the predicting rows 0, 1 and 1, 3, 4.
struct Example {
  Example() {
    policy = TinyConfig();
    batch.predicting_rows = at::tensor({0, 1, 1, 3, 4}, at::kLong);
    batch.sequences = at::tensor({0, 0, 1, 1, 1}, at::kLong);
    batch.sequence_lengths = at::tensor({2.0, 3.0}, at::kDouble);
    batch.loss_weights = at::ones({5}, at::kDouble);
    RandomStream random(3, 3);
    std::vector<double> logits;
    for (int i = 0; i < 20; ++i) logits.push_back(random.Normal());
    routers.logits = {at::tensor(logits, at::kDouble).view({5, 4})};
    routers.chosen.layers = {at::tensor({0, 1, 0, 2, 1, 2, 1, 3, 0, 3}, at::kLong).view({5, 2})};
    totals = {.completions = 4, .positions = 10, .recorded = {{7, 6, 4, 3}}};
  }
  double Logit(int64_t row, int e) const { return routers.logits[0][row][e].item<double>(); }
  bool Uses(int64_t row, int e) const {
    return routers.chosen.layers[0][row].eq(e).any().item<bool>();
  }
  // s_e / sum_j s_j
  double Share(int64_t row, int e) const {
    double sum = 0, own = 0;
    for (int j = 0; j < 4; ++j) {
      const double score = policy.scoring_func == "sigmoid" ? 1 / (1 + std::exp(-Logit(row, j)))
                                                            : std::exp(Logit(row, j));
      sum += score;
      if (j == e) own = score;
    }
    return own / sum;
  }
  PolicyConfig policy;
  MicroBatch batch;
  RouterOutputs routers;
  RouterTotals totals;
};

const std::vector<std::vector<int64_t>> kRowsOfCompletions = {{0, 1}, {1, 3, 4}};

TEST(RouterLossTest, IsTheFormulasWrittenOut) {
  for (const char* scoring : {"sigmoid", "softmax"}) {
    Example example;
    example.policy.scoring_func = scoring;
    double sequence = 0, global = 0, z = 0;
    for (const std::vector<int64_t>& rows : kRowsOfCompletions) {
      const double length = static_cast<double>(rows.size());
      for (int e = 0; e < 4; ++e) {
        double uses = 0, share = 0;
        for (const int64_t row : rows) {
          uses += example.Uses(row, e);
          share += example.Share(row, e);
        }
        sequence += (4.0 / (2 * length) * uses) * (share / length) / 4;
        global += 4.0 / (2 * 10) * static_cast<double>(example.totals.recorded[0][e]) * share / 10;
      }
      for (const int64_t row : rows) {
        double sum = 0;
        for (int e = 0; e < 4; ++e) sum += std::exp(example.Logit(row, e));
        z += std::log(sum) * std::log(sum) / 10;
      }
    }
    RouterConfig config;
    config.sequence_balance_coef = 0.3;
    config.global_balance_coef = 0.05;
    config.z_coef = 0.02;
    const RouterLosses losses =
        RouterLoss(config, example.policy, example.totals, example.batch, example.routers);
    EXPECT_NEAR(losses.sums.sequence_balance, sequence, 1e-12);
    EXPECT_NEAR(losses.sums.global_balance, global, 1e-12);
    EXPECT_NEAR(losses.sums.z, z, 1e-12);
    EXPECT_NEAR(losses.loss.item<double>(), 0.3 * sequence + 0.05 * global + 0.02 * z, 1e-12);
  }
}

TEST(RouterLossTest, HasTheGradientOfFiniteDifferences) {
  Example example;
  RouterConfig config;
  config.sequence_balance_coef = 0.3;
  config.global_balance_coef = 0.05;
  config.z_coef = 0.02;
  const auto loss = [&] {
    return RouterLoss(config, example.policy, example.totals, example.batch, example.routers).loss;
  };
  const at::Tensor logits = example.routers.logits[0];
  logits.set_requires_grad(true);
  const at::Tensor gradient = torch::autograd::grad({loss()}, {logits})[0];
  logits.set_requires_grad(false);
  double* values = logits.mutable_data_ptr<double>();
  for (int64_t i = 0; i < logits.numel(); ++i) {
    const double value = values[i], step = 1e-6;
    values[i] = value + step;
    const double above = loss().item<double>();
    values[i] = value - step;
    const double below = loss().item<double>();
    values[i] = value;
    EXPECT_NEAR(gradient.view({-1})[i].item<double>(), (above - below) / (2 * step), 1e-9);
  }
}

TEST(RouterLossTest, BalanceIsOneWhereLoadIsEvenAndTheExpertsOverTheUsedOnesWhereItIsNot) {
  Example example;
  RouterConfig config;
  config.sequence_balance_coef = config.global_balance_coef = 1;
  example.totals = {.completions = 2, .positions = 5, .recorded = {{5, 5, 0, 0}}};
  example.routers.logits = {at::tensor({30.0, 30.0, -30.0, -30.0}, at::kDouble).repeat({5, 1})};
  example.routers.chosen.layers = {at::tensor({0, 1}, at::kLong).repeat({5, 1})};
  RouterSums sums =
      RouterLoss(config, example.policy, example.totals, example.batch, example.routers).sums;
  EXPECT_NEAR(sums.sequence_balance, 2, 1e-12);
  EXPECT_NEAR(sums.global_balance, 2, 1e-12);
  example.routers.logits = {at::zeros({5, 4}, at::kDouble)};
  sums = RouterLoss(config, example.policy, example.totals, example.batch, example.routers).sums;
  EXPECT_NEAR(sums.sequence_balance, 1, 1e-12);
  EXPECT_NEAR(sums.global_balance, 1, 1e-12);
}

// Experts recorded at random for every fed token, one MoE layer.
StepBatch RecordedBatch() {
  StepBatch batch = TinyBatch(13, 5);
  RandomStream random(8, 8);
  for (TrainingSample& sample : batch.samples) {
    for (size_t t = 0; t + 1 < sample.tokens.size(); ++t) {
      const int16_t first = random.Between(0, 2);
      sample.experts.insert(sample.experts.end(), {first, static_cast<int16_t>(first + 1)});
    }
  }
  return batch;
}

TEST(RouterLossTest, IsTheSameForAnyMicroBatchSizeAndForSharedPrompts) {
  StepBatch batch = RecordedBatch();
  for (size_t i = 0; i < batch.samples.size(); ++i) {  // two of each three with one prompt
    TrainingSample& sample = batch.samples[i];
    sample.group = static_cast<int64_t>(i / 3);
    if (i % 3 != 1) continue;
    const TrainingSample& before = batch.samples[i - 1];
    const std::vector<int32_t> completion(sample.tokens.begin() + sample.prompt_length,
                                          sample.tokens.end());
    sample.tokens.assign(before.tokens.begin(), before.tokens.begin() + before.prompt_length);
    sample.tokens.insert(sample.tokens.end(), completion.begin(), completion.end());
    sample.prompt_length = before.prompt_length;
    sample.experts.resize((sample.tokens.size() - 1) * 2, 1);
  }
  RouterConfig config;
  config.sequence_balance_coef = 0.3;
  config.global_balance_coef = 0.05;
  config.z_coef = 0.02;
  const Weights weights = Weights::Random(TinyConfig(), 0.3, 2);
  const RouterTotals totals = RouterTotalsOf(batch, weights.config);
  const auto gradients = [&](int micro_batch_tokens, bool share, ObjectiveSums* sums) {
    Weights copy = weights.Clone();
    Learner learner(
        copy, {.threads = 2, .micro_batch_tokens = micro_batch_tokens, .share_prompts = share});
    const auto loss = [&](const MicroBatch& micro, const PolicyOutputs& policy,
                          ObjectiveSums* micro_sums) {
      const RouterLosses losses = RouterLoss(config, copy.config, totals, micro, policy.routers);
      micro_sums->router.Add(losses.sums);
      return losses.loss;
    };
    return learner.Gradients(batch, loss, sums);
  };
  ObjectiveSums whole_sums;
  const auto whole = gradients(1 << 20, false, &whole_sums);
  EXPECT_GT(whole_sums.router.sequence_balance, 0.9);
  for (const bool share : {false, true}) {
    for (const int tokens : {1, 40}) {
      ObjectiveSums sums;
      const auto other = gradients(tokens, share, &sums);
      EXPECT_NEAR(sums.router.sequence_balance, whole_sums.router.sequence_balance, 1e-6);
      EXPECT_NEAR(sums.router.global_balance, whole_sums.router.global_balance, 1e-6);
      EXPECT_NEAR(sums.router.z, whole_sums.router.z, 1e-5);
      EXPECT_EQ(sums.load, whole_sums.load);
      for (size_t i = 0; i < whole.size(); ++i) {
        const double size = whole[i].abs().max().item<double>();
        EXPECT_LE((other[i] - whole[i]).abs().max().item<double>(), 1e-5 * size + 1e-9);
      }
    }
  }
}

TEST(RouterTotalsTest, CountsTheRecordedExpertsOfPositionsThatPredictALearnedToken) {
  StepBatch batch;
  TrainingSample sample;
  sample.tokens = {1, 2, 3, 4, 5};
  sample.prompt_length = 2;
  sample.forced = {0, 1, 0};                  // token 3 is not learned from
  sample.experts = {0, 1, 0, 2, 1, 3, 2, 3};  // of the fed tokens 0 to 3
  batch.samples = {sample};
  const RouterTotals totals = RouterTotalsOf(batch, TinyConfig());
  EXPECT_EQ(totals.completions, 1);
  EXPECT_EQ(totals.positions, 2);
  EXPECT_EQ(totals.recorded, (ExpertLoad{{1, 0, 2, 1}}));  // of positions 1 and 3
}

}  // namespace
}  // namespace grpo
