#include "rl/step_metrics.h"

#include <map>

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::map<std::string, double> Named(const MetricList& metrics) {
  std::map<std::string, double> named;
  for (const auto& [name, value] : metrics.metrics()) {
    named[name] = std::visit([](auto number) { return static_cast<double>(number); }, value);
  }
  return named;
}

ScoredGroup Group(const std::vector<double>& rewards) {
  ScoredGroup group;
  for (double reward : rewards) {
    Rollout rollout;
    rollout.tokens.resize(4 + static_cast<int>(reward));
    rollout.finish = reward > 0 ? FinishReason::kStop : FinishReason::kLength;
    group.group.rollouts.push_back(rollout);
    Score score;
    score.reward = reward;
    score.correct = reward > 0;
    score.results = {RewardResult::Scored(reward, "")};
    group.scores.push_back(score);
  }
  return group;
}

TEST(StepMetricsTest, UsesTheNamesOfTrlAndVerl) {
  MetricList metrics;
  AddRolloutMetrics({Group({1, 0}), Group({1, 1})}, {"task_answer"}, &metrics);
  const auto named = Named(metrics);
  EXPECT_DOUBLE_EQ(named.at("reward"), 0.75);
  EXPECT_DOUBLE_EQ(named.at("pass_rate"), 0.75);
  EXPECT_DOUBLE_EQ(named.at("frac_reward_zero_std"), 0.5);
  EXPECT_DOUBLE_EQ(named.at("rewards/task_answer/mean"), 0.75);
  EXPECT_DOUBLE_EQ(named.at("completions/mean_length"), 4.75);
  EXPECT_DOUBLE_EQ(named.at("completions/mean_terminated_length"), 5);
  EXPECT_DOUBLE_EQ(named.at("completions/clipped_ratio"), 0.25);
  EXPECT_DOUBLE_EQ(named.at("critic/score/mean"), 0.75);
}

TEST(StepMetricsTest, CountsErrorsApartAndNeverAsAZeroReward) {
  ScoredGroup group = Group({1, 0});
  group.scores[1].state = RewardState::kError;
  MetricList metrics;
  AddRolloutMetrics({group}, {"task_answer"}, &metrics);
  const auto named = Named(metrics);
  EXPECT_DOUBLE_EQ(named.at("reward"), 1);
  EXPECT_DOUBLE_EQ(named.at("rewards/errors"), 1);
  EXPECT_DOUBLE_EQ(named.at("frac_reward_zero_std"), 1);
}

TEST(StepMetricsTest, AveragesThePartsOfEachReward) {
  ScoredGroup group = Group({1, 0, 0});
  group.scores[0].results[0].parts = {{"name", 1}, {"values", 0.5}};
  group.scores[1].results[0].parts = {{"name", 0}};
  group.scores[2].results[0] = RewardResult::NotApplicable("");
  MetricList metrics;
  AddRolloutMetrics({group}, {"tool_calls"}, &metrics);
  const auto named = Named(metrics);
  EXPECT_DOUBLE_EQ(named.at("rewards/tool_calls/parts/name"), 0.5);
  EXPECT_DOUBLE_EQ(named.at("rewards/tool_calls/parts/values"), 0.5);
  // What does not apply is no zero.
  EXPECT_DOUBLE_EQ(named.at("rewards/tool_calls/mean"), 0.5);
}

TEST(StepMetricsTest, KeepsAtMost64PartsOfAReward) {
  ScoredGroup group = Group({1});
  for (int i = 0; i < 1000; ++i) {
    group.scores[0].results[0].parts.emplace_back(std::to_string(i), i);
  }
  MetricList one, many;
  AddRolloutMetrics({Group({1})}, {"plugin"}, &one);
  AddRolloutMetrics({group}, {"plugin"}, &many);
  EXPECT_EQ(many.metrics().size() - one.metrics().size(), 64u);
}

TEST(StepMetricsTest, IsZeroNotNanForAStepWithoutGroupsOrUpdates) {
  MetricList metrics;
  AddRolloutMetrics({}, {"task_answer"}, &metrics);
  AddUpdateMetrics({}, &metrics);
  for (const auto& [name, value] : Named(metrics)) EXPECT_EQ(value, 0) << name;
}

TEST(StepMetricsTest, TakesTheMismatchFromTheFirstUpdateAlone) {
  UpdateStats first, second;
  first.sums.tokens = second.sums.tokens = 10;
  first.sums.difference_max = 1e-6;
  second.sums.difference_max = 0.5;
  MetricList metrics;
  AddUpdateMetrics({first, second}, &metrics);
  EXPECT_EQ(Named(metrics).at("sampling/sampling_logp_difference/max"), 1e-6);
}

}  // namespace
}  // namespace grpo
