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

TEST(BuildSamplesTest, GivesEachCompletionItsAdvantageAndItsRecord) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  const auto samples = BuildSamples(config, {Group(1, {1, 0})});
  ASSERT_TRUE(samples.ok());
  ASSERT_EQ(samples->size(), 2u);
  EXPECT_EQ((*samples)[0].tokens, (std::vector<int32_t>{1, 2, 3, 7, 8}));
  EXPECT_EQ((*samples)[0].prompt_length, 3);
  EXPECT_EQ((*samples)[0].advantage, 0.5);
  EXPECT_EQ((*samples)[1].advantage, -0.5);
  EXPECT_EQ((*samples)[1].behavior_logprobs, (std::vector<float>{-0.5f, -0.25f}));
}

TEST(BuildSamplesTest, MarksTokensThatWereForcedAndDoesNotCountThem) {
  GrpoConfig config;
  ScoredGroup group = Group(1, {1, 0});
  group.group.rollouts[0].forced = {0, 1};
  auto samples = BuildSamples(config, {group});
  ASSERT_TRUE(samples.ok());
  EXPECT_EQ((*samples)[0].forced, (std::vector<uint8_t>{0, 1}));
  EXPECT_TRUE((*samples)[1].forced.empty());
  EXPECT_EQ(SplitIntoBatches(config, *samples, {})[0].num_completion_tokens, 1 + 2);
}

TEST(BuildSamplesTest, KeepsEqualPromptsOfDifferentDrawsApart) {
  GrpoConfig config;
  config.objective.advantage = "group_no_std";
  const auto samples = BuildSamples(config, {Group(1, {1, 0}), Group(2, {5, 4})});
  EXPECT_EQ((*samples)[2].advantage, 0.5);  // against its own group, not both
}

TEST(BuildSamplesTest, DropsSamplesWithoutAUsableRewardOrFailsAsTheRecipeSays) {
  GrpoConfig config;
  ScoredGroup group = Group(4, {1, 0, 0});
  group.scores[1].state = RewardState::kError;
  group.scores[1].results[0] = RewardResult::Error("the checker ran out of time");
  EXPECT_EQ(BuildSamples(config, {group})->size(), 2u);
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
  const auto samples = BuildSamples(config, {group});
  ASSERT_TRUE(samples.ok());
  EXPECT_EQ((*samples)[0].advantage, 3);
  EXPECT_EQ((*samples)[1].advantage, -3);
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

TEST(BuildSamplesTest, AcceptsNoGroups) { EXPECT_TRUE(BuildSamples(GrpoConfig(), {})->empty()); }

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

TEST(SplitIntoBatchesTest, CutsWholeSamplesAndCountsTheirTokens) {
  std::vector<TrainingSample> samples(5);
  for (size_t i = 0; i < 5; ++i) {
    samples[i].tokens.resize(3 + i);
    samples[i].prompt_length = 2;
  }
  GrpoConfig config;
  config.updates_per_step = 2;
  config.sampling.temperature = 0.5;
  const auto batches = SplitIntoBatches(config, samples, {});
  ASSERT_EQ(batches.size(), 2u);
  EXPECT_EQ(batches[1].temperature, 0.5);
  EXPECT_EQ(batches[0].samples.size(), 2u);
  EXPECT_EQ(batches[0].num_completion_tokens, 1 + 2);
  EXPECT_EQ(batches[1].num_completion_tokens, 3 + 4 + 5);
  config.updates_per_step = 9;
  EXPECT_TRUE(SplitIntoBatches(config, {}, {}).empty());
  EXPECT_EQ(SplitIntoBatches(config, samples, {}).size(), 5u);
}

}  // namespace
}  // namespace grpo
