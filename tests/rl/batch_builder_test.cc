#include "rl/batch_builder.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

namespace grpo {
namespace {

ScoredGroup Group(uint64_t id, const std::vector<double>& rewards) {
  ScoredGroup scored;
  scored.group.prompt.id = id;
  scored.group.prompt.name = "set.jsonl:" + std::to_string(id);
  scored.group.prompt_tokens = {1, 2, 3};
  for (double reward : rewards) {
    Rollout rollout;
    rollout.tokens = {7, 8};
    rollout.logprobs = {-0.5f, -0.25f};
    scored.group.rollouts.push_back(rollout);
    Score score;
    score.reward = reward;
    score.results = {RewardResult::Scored(reward, "so")};
    scored.scores.push_back(score);
  }
  return scored;
}

std::vector<TrainingSample> Samples(const GrpoConfig& config,
                                    const std::vector<ScoredGroup>& groups) {
  auto step = BuildSamples(config, groups);
  EXPECT_TRUE(step.ok()) << step.status();
  SetAdvantages(config, &*step);
  return step->samples;
}

TEST(BuildSamplesTest, GivesEachCompletionItsAdvantageAndItsRecord) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  const std::vector<TrainingSample> samples = Samples(config, {Group(1, {1, 0})});
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].tokens, (std::vector<int32_t>{1, 2, 3, 7, 8}));
  EXPECT_EQ(samples[0].prompt_length, 3);
  EXPECT_EQ(samples[1].group, 1);
  EXPECT_EQ(samples[0].advantage, Advantage({0.5}));
  EXPECT_EQ(samples[1].advantage, Advantage({-0.5}));
  EXPECT_EQ(samples[1].behavior_logprobs, (std::vector<float>{-0.5f, -0.25f}));
}

TEST(BuildSamplesTest, MarksTokensThatWereForcedAndDoesNotCountThem) {
  GrpoConfig config;
  ScoredGroup group = Group(1, {1, 0});
  group.group.rollouts[0].forced = {0, 1};
  const auto step = BuildSamples(config, {group});
  ASSERT_TRUE(step.ok());
  EXPECT_EQ(step->samples[0].forced, (std::vector<uint8_t>{0, 1}));
  EXPECT_TRUE(step->samples[1].forced.empty());
  EXPECT_EQ(step->outcomes[0][0].num_tokens, 1);
  EXPECT_EQ(SplitIntoBatches(config, *step)[0].token_weights,
            (std::vector<double>{1. / 3, 1. / 3}));
}

TEST(BuildSamplesTest, AnEmptyCompletionCountsInItsGroupAndTeachesNothing) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  ScoredGroup group = Group(1, {1, 0, 0});
  group.group.rollouts[2].tokens.clear();
  group.group.rollouts[2].logprobs.clear();
  const std::vector<TrainingSample> samples = Samples(config, {group});
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_NEAR(samples[0].advantage[0], 2.0 / 3, 1e-12);
}

TEST(BuildSamplesTest, KeepsEqualPromptsOfDifferentDrawsApart) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  const std::vector<TrainingSample> samples = Samples(config, {Group(1, {1, 0}), Group(2, {5, 4})});
  EXPECT_EQ(samples[2].advantage, Advantage({0.5}));  // against its own group, not both
}

TEST(BuildSamplesTest, DropsSamplesWithoutAUsableRewardOrFailsAsTheRecipeSays) {
  GrpoConfig config;
  ScoredGroup group = Group(4, {1, 0, 0});
  group.scores[1].state = RewardState::kError;
  group.scores[1].results[0] = RewardResult::Error("the checker ran out of time");
  EXPECT_EQ(BuildSamples(config, {group})->samples.size(), 2u);
  config.on_error = "fail";
  const absl::Status status = BuildSamples(config, {group}).status();
  EXPECT_NE(status.message().find("set.jsonl:4"), absl::string_view::npos);
  EXPECT_NE(status.message().find("the checker ran out of time"), absl::string_view::npos);
  config.on_error = "drop";
  config.on_invalid = "fail";
  EXPECT_TRUE(BuildSamples(config, {group}).ok());
}

TEST(BuildSamplesTest, LearnsByTheNormalisedRewardWhereThereIsOne) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  ScoredGroup group = Group(1, {1, 1});
  group.scores[0].normalized = 3;
  group.scores[1].normalized = -3;
  const std::vector<TrainingSample> samples = Samples(config, {group});
  EXPECT_EQ(samples[0].advantage, Advantage({3}));
  EXPECT_EQ(samples[1].advantage, Advantage({-3}));
}

TEST(CheckErrorShareTest, FailsAboveTheRecipesShareAndNamesTheFirstReason) {
  GrpoConfig config;
  ScoredGroup group = Group(1, {1, 1, 1, 1});
  for (size_t i : {1, 2}) {
    group.scores[i].state = RewardState::kError;
    group.scores[i].results[0] = RewardResult::Error("code_tests: no sandbox " + std::to_string(i));
  }
  EXPECT_TRUE(CheckErrorShare(config, {group}).ok());
  config.max_error_share = 0.25;
  EXPECT_TRUE(CheckErrorShare(config, {group, Group(2, {1, 1, 1, 1})}).ok());
  const absl::Status status = CheckErrorShare(config, {group});
  EXPECT_EQ(status.message(),
            "reward checkers failed for 2 of 4 completions of the step, above "
            "grpo.max_error_share 0.25; the first: code_tests: no sandbox 1");
  config.max_error_share = 0;
  EXPECT_FALSE(CheckErrorShare(config, {Group(2, {1, 1}), group}).ok());
  EXPECT_TRUE(CheckErrorShare(config, {Group(2, {1, 1})}).ok());
  EXPECT_TRUE(CheckErrorShare(config, {}).ok());
}

TEST(BuildSamplesTest, AcceptsNoGroups) {
  EXPECT_TRUE(BuildSamples(GrpoConfig(), {})->samples.empty());
}

TEST(PermuteRewardsTest, KeepsTheRewardsOfEachGroupButNotTheirOwners) {
  std::vector<ScoredGroup> groups = {Group(1, {1, 2, 3, 4, 5, 6, 7, 8}),
                                     Group(2, {1, 2, 3, 4, 5, 6, 7, 8})};
  PermuteRewards(5, groups);
  std::vector<std::vector<double>> orders;
  for (const ScoredGroup& group : groups) {
    std::vector<double> order;
    for (const Score& score : group.scores) order.push_back(score.reward);
    orders.push_back(order);
    EXPECT_EQ(std::multiset<double>(order.begin(), order.end()),
              (std::multiset<double>{1, 2, 3, 4, 5, 6, 7, 8}));
  }
  EXPECT_NE(orders[0], orders[1]);
  EXPECT_FALSE(std::is_sorted(orders[0].begin(), orders[0].end()));
}

TEST(BuildSamplesTest, TruncatedCompletionsCountInTheirGroupButAreNotLearnedFromWhereMasked) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  config.mask_truncated = true;
  ScoredGroup group = Group(1, {4, 0, 2});
  for (Rollout& rollout : group.group.rollouts) rollout.finish = FinishReason::kStop;
  group.group.rollouts[1].finish = FinishReason::kLength;
  std::vector<TrainingSample> samples = Samples(config, {group});
  ASSERT_EQ(samples.size(), 2u);
  EXPECT_EQ(samples[0].advantage, Advantage({2}));
  EXPECT_EQ(samples[1].advantage, Advantage({0}));
  config.mask_truncated = false;
  EXPECT_EQ(Samples(config, {group}).size(), 3u);
}

TEST(SetAdvantagesTest, TakesTheDivergenceFromTheRewardWhereTheRecipeHasItThere) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  config.objective.kl_coef = 2;
  config.objective.kl_estimator = "k1";
  config.objective.kl_in = "reward";
  auto step = BuildSamples(config, {Group(1, {1, 0})});
  ASSERT_TRUE(step.ok());
  step->reference_logprobs = {{-1.5f, -0.25f}, {-0.5f, -0.25f}};
  SetAdvantages(config, &*step);
  // The first one's reward is 1 - 2 ((-0.5 + 1.5) + 0) = -1.
  EXPECT_EQ(step->samples[0].advantage, Advantage({-0.5}));
  EXPECT_EQ(step->samples[1].advantage, Advantage({0.5}));
}

TEST(SplitIntoBatchesTest, CutsWholeSamplesAndWeighsTheirTokens) {
  StepSamples step;
  step.samples.resize(5);
  for (size_t i = 0; i < 5; ++i) {
    step.samples[i].tokens.resize(3 + i);
    step.samples[i].prompt_length = 2;
    step.old_logprobs.push_back(std::vector<float>(1 + i, -1.0f - i));
  }
  GrpoConfig config;
  config.updates_per_step = 2;
  config.sampling.temperature = 0.5;
  const auto batches = SplitIntoBatches(config, step);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[1].temperature, 0.5);
  EXPECT_EQ(batches[0].samples.size(), 2u);
  EXPECT_EQ(batches[0].token_weights, std::vector<double>(2, 1. / (1 + 2)));
  EXPECT_EQ(batches[1].token_weights, std::vector<double>(3, 1. / (3 + 4 + 5)));
  EXPECT_EQ(batches[1].old_logprobs[0], std::vector<float>(3, -3.0f));
  config.updates_per_step = 9;
  EXPECT_TRUE(SplitIntoBatches(config, {}).empty());
  EXPECT_EQ(SplitIntoBatches(config, step).size(), 5u);
}

TEST(SplitIntoBatchesTest, SelectsTheTokensOfHighestEntropyOfTheWholeStep) {
  StepSamples step;
  step.samples.resize(2);
  for (TrainingSample& sample : step.samples) {
    sample.tokens.resize(5);
    sample.prompt_length = 2;
  }
  step.entropies = {{0.1f, 0.9f, 0.2f}, {0.8f, 0.7f, 0.3f}};
  GrpoConfig config;
  config.objective.top_entropy_share = 0.5;
  config.updates_per_step = 2;
  const auto batches = SplitIntoBatches(config, step);
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[0].selected, (std::vector<std::vector<uint8_t>>{{0, 1, 0}}));
  EXPECT_EQ(batches[1].selected, (std::vector<std::vector<uint8_t>>{{1, 1, 0}}));
}

}  // namespace
}  // namespace grpo
