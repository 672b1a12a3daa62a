#include "rl/training_sample.h"

#include <gtest/gtest.h>

#include "tests/rl/tiny_batch.h"

namespace grpo {
namespace {

TEST(PlanMicroBatchesTest, KeepsOrderAndBudgetAndLetsALongSampleStandAlone) {
  std::vector<TrainingSample> samples(4);
  for (size_t i = 0; i < 4; ++i) samples[i].tokens.resize(i == 1 ? 100 : 6);
  EXPECT_EQ(PlanMicroBatches(samples, 12), (std::vector<std::vector<size_t>>{{0}, {1}, {2, 3}}));
  EXPECT_TRUE(PlanMicroBatches({}, 12).empty());
}

TEST(PlanMicroBatchesTest, NeedsNoMoreMicroBatchesThanFullOnesAndMakesThemAlikeInSize) {
  std::vector<TrainingSample> samples(16);
  for (TrainingSample& sample : samples) sample.tokens.resize(10);
  const std::vector<std::vector<size_t>> plan = PlanMicroBatches(samples, 109);  // ten fit
  ASSERT_EQ(plan.size(), 2u);
  EXPECT_EQ(plan[0].size(), 8u);
  EXPECT_EQ(plan[1].size(), 8u);
}

TEST(PackMicroBatchTest, ShiftsTargetsByOneAndPredictsCompletionTokensOnly) {
  StepBatch batch;
  TrainingSample sample;
  sample.tokens = {5, 6, 7, 8};
  sample.prompt_length = 2;
  sample.advantage = {3};
  sample.behavior_logprobs = {-1, -2};
  batch.samples = {sample, sample};
  batch.token_weights = TokenMeanWeights(batch);
  const MicroBatch micro = PackMicroBatch(batch, {0, 1}, {});
  EXPECT_TRUE(micro.tokens.equal(at::tensor({5, 6, 7, 5, 6, 7}, at::kLong)));
  EXPECT_TRUE(micro.positions.equal(at::tensor({0, 1, 2, 0, 1, 2}, at::kLong)));
  EXPECT_EQ(micro.packing.cu_seqlens, (std::vector<int32_t>{0, 3, 6}));
  EXPECT_TRUE(micro.predicting_rows.equal(at::tensor({1, 2, 4, 5}, at::kLong)));
  EXPECT_TRUE(micro.targets.equal(at::tensor({7, 8, 7, 8}, at::kLong)));
  EXPECT_TRUE(micro.behavior_logprobs.equal(at::tensor({-1.0f, -2.0f, -1.0f, -2.0f})));
  EXPECT_FALSE(micro.reference_logprobs.defined());
  EXPECT_TRUE(micro.sequences.equal(at::tensor({0, 0, 1, 1}, at::kLong)));
  EXPECT_TRUE(micro.sequence_lengths.equal(at::tensor({2.0f, 2.0f})));
  EXPECT_TRUE(micro.loss_weights.equal(at::tensor({0.25f, 0.25f, 0.25f, 0.25f})));
  EXPECT_TRUE(micro.advantages.equal(at::tensor({3.0f, 3.0f, 3.0f, 3.0f})));
}

TEST(PackMicroBatchTest, FeedsTokensThatWereForcedButDoesNotPredictThem) {
  StepBatch batch;
  TrainingSample sample;
  sample.tokens = {5, 6, 7, 8, 9};
  sample.prompt_length = 2;
  sample.behavior_logprobs = {-1, -2, -3};
  sample.log_kept_mass = {-4, 0, -6};
  sample.forced = {0, 1, 0};
  sample.advantage = {1, 2};
  EXPECT_EQ(sample.NumLearned(), 2);
  batch.samples = {sample};
  batch.reference_logprobs = {{-7, -9}};
  batch.token_weights = TokenMeanWeights(batch);
  const MicroBatch micro = PackMicroBatch(batch, {0}, {});
  EXPECT_TRUE(micro.tokens.equal(at::tensor({5, 6, 7, 8}, at::kLong)));
  EXPECT_TRUE(micro.predicting_rows.equal(at::tensor({1, 3}, at::kLong)));
  EXPECT_TRUE(micro.targets.equal(at::tensor({7, 9}, at::kLong)));
  EXPECT_TRUE(micro.advantages.equal(at::tensor({1.0f, 2.0f})));  // one for each that is learned
  EXPECT_TRUE(micro.behavior_logprobs.equal(at::tensor({-1.0f, -3.0f})));
  EXPECT_TRUE(micro.log_kept_mass.equal(at::tensor({-4.0f, -6.0f})));
  EXPECT_TRUE(micro.reference_logprobs.equal(at::tensor({-7.0f, -9.0f})));
}

TEST(PackMicroBatchTest, LaysOutTheRoutingRecordByLayer) {
  StepBatch batch;
  TrainingSample sample;
  sample.tokens = {5, 6, 7};
  sample.prompt_length = 1;
  sample.behavior_logprobs = {-1, -2};
  sample.experts = {0, 1, 2, 3, 4, 5, 6, 7};  // 2 tokens, 2 layers, 2 experts
  batch.samples = {sample};
  batch.token_weights = TokenMeanWeights(batch);
  const MicroBatch micro =
      PackMicroBatch(batch, {0}, {.num_moe_layers = 2, .experts_per_token = 2});
  ASSERT_EQ(micro.experts.layers.size(), 2u);
  EXPECT_TRUE(micro.experts.layers[0].equal(at::tensor({0, 1, 4, 5}, at::kLong).view({2, 2})));
  EXPECT_TRUE(micro.experts.layers[1].equal(at::tensor({2, 3, 6, 7}, at::kLong).view({2, 2})));
}

// Two samples of one group, one of another with the same prompt, and a lone one.
std::vector<TrainingSample> GroupedSamples() {
  std::vector<TrainingSample> samples(4);
  const std::vector<int64_t> groups = {7, 7, 8, -1};
  for (int i = 0; i < 4; ++i) {
    samples[i].group = groups[i];
    samples[i].tokens = {1, 2, 3, 10 + i, 20 + i};
    samples[i].prompt_length = 3;
    for (int16_t e = 0; e < 8; ++e) samples[i].experts.push_back(e < 6 ? e : 10 * i + e);
  }
  samples[1].tokens.resize(4);
  samples[1].experts.resize(6);
  return samples;
}

TEST(PackTokensTest, FeedsThePromptOfAGroupOnce) {
  const MicroBatch micro =
      PackTokens(GroupedSamples(), {0, 1, 2, 3},
                 {.num_moe_layers = 1, .experts_per_token = 2, .share_prompts = true});
  EXPECT_TRUE(micro.tokens.equal(at::tensor({1, 2, 3, 10, 1, 2, 3, 12, 1, 2, 3, 13}, at::kLong)));
  EXPECT_TRUE(micro.positions.equal(at::tensor({0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3}, at::kLong)));
  EXPECT_EQ(micro.packing.cu_seqlens, (std::vector<int32_t>{0, 3, 4, 4, 8, 12}));
  EXPECT_EQ(micro.packing.prefixes, (std::vector<int32_t>{-1, 0, 0, -1, -1}));
  // The prompt's last row predicts the first token of both.
  EXPECT_TRUE(micro.predicting_rows.equal(at::tensor({2, 3, 2, 6, 7, 10, 11}, at::kLong)));
  EXPECT_TRUE(micro.targets.equal(at::tensor({10, 20, 11, 12, 22, 13, 23}, at::kLong)));
  EXPECT_TRUE(micro.sequences.equal(at::tensor({0, 0, 1, 2, 2, 3, 3}, at::kLong)));
  EXPECT_TRUE(micro.sequence_lengths.equal(at::tensor({2.0f, 1.0f, 2.0f, 2.0f})));
  EXPECT_TRUE(micro.experts.layers[0].equal(
      at::tensor({0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 26, 27, 0, 1, 2, 3, 4, 5, 36, 37},
                 at::kLong)
          .view({12, 2})));
}

TEST(PackTokensTest, APromptThatDiffersIsNotShared) {
  std::vector<TrainingSample> samples = GroupedSamples();
  samples[1].tokens[1] = 9;
  const MicroBatch micro = PackTokens(samples, {0, 1}, {.share_prompts = true});
  EXPECT_TRUE(micro.tokens.equal(at::tensor({1, 2, 3, 10, 1, 9, 3}, at::kLong)));
}

TEST(PlanMicroBatchesTest, ASharedPromptCountsOnce) {
  std::vector<TrainingSample> samples(4);
  for (TrainingSample& sample : samples) {
    sample.group = 1;
    sample.tokens.resize(10);
    sample.prompt_length = 8;
  }
  EXPECT_EQ(PlanMicroBatches(samples, 14, true),
            (std::vector<std::vector<size_t>>{{0, 1}, {2, 3}}));
  EXPECT_EQ(PlanMicroBatches(samples, 13, true).size(), 2u);
  EXPECT_EQ(PlanMicroBatches(samples, 16, true).size(), 1u);
  EXPECT_EQ(PlanMicroBatches(samples, 14, false).size(), 4u);
}

}  // namespace
}  // namespace grpo
