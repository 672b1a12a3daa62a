#include "rl/prompt_pools.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace grpo {
namespace {

// Prompts 0, 1, 2, 0, 1, 2, … with ids that go on.
class ThreePrompts : public PromptSource {
 public:
  absl::StatusOr<std::vector<Prompt>> Next(int count) override {
    std::vector<Prompt> prompts;
    for (int i = 0; i < count; ++i) {
      Prompt prompt;
      prompt.id = next_++;
      prompt.name = absl::StrCat("file:", prompt.id % 3);
      prompt.pool = prompt.id % 3 == 0 ? "a" : "b";
      prompts.push_back(prompt);
    }
    return prompts;
  }
  std::string Cursor() const override { return ""; }
  absl::Status Restore(const std::string&) override { return absl::OkStatus(); }

 private:
  uint64_t next_ = 0;
};

ScoredGroup Group(const std::string& name, const std::string& pool, int correct, int wrong,
                  int errors = 0) {
  ScoredGroup group;
  group.group.prompt.name = name;
  group.group.prompt.pool = pool;
  for (int i = 0; i < correct + wrong + errors; ++i) {
    Score score;
    score.correct = i < correct;
    if (i >= correct + wrong) score.state = RewardState::kError;
    group.scores.push_back(score);
  }
  return group;
}

std::map<std::string, int> NamesOf(PromptPools& pools, PromptSource& source, int count) {
  std::map<std::string, int> names;
  const auto prompts = pools.Next(source, count);
  for (const Prompt& prompt : *prompts) ++names[prompt.name];
  return names;
}

TEST(PromptPoolsTest, TakesEveryPromptWhereTheyAreOffOrNothingIsKnown) {
  for (const char* by : {"off", "prompt"}) {
    PoolsConfig config;
    config.by = by;
    PromptPools pools(config, 1);
    ThreePrompts source;
    if (config.by == "off") pools.Record({Group("file:0", "a", 8, 0)});
    EXPECT_EQ(NamesOf(pools, source, 30),
              (std::map<std::string, int>{{"file:0", 10}, {"file:1", 10}, {"file:2", 10}}));
  }
}

TEST(PromptPoolsTest, NeverSamplesAnEasyPromptAgainAndSeldomAHardOne) {
  PoolsConfig config;
  config.by = "prompt";
  config.hard_below = 0.2;
  config.hard_share = 0.25;
  PromptPools pools(config, 1);
  ThreePrompts source;
  pools.Record(
      {Group("file:0", "a", 8, 0), Group("file:1", "b", 1, 7), Group("file:2", "b", 4, 4)});
  std::map<std::string, int> names = NamesOf(pools, source, 5000);
  EXPECT_EQ(names["file:0"], 0);
  EXPECT_NEAR(names["file:1"], 1000, 120);  // a quarter as often as the third
  const PromptPools::Counts counts = pools.TakeCounts();
  EXPECT_EQ(counts.easy, 1);
  EXPECT_EQ(counts.hard, 1);
  EXPECT_EQ(counts.known, 3);
  EXPECT_NEAR(counts.passed_over, 4000 + 3000, 300);
  EXPECT_EQ(pools.TakeCounts().passed_over, 0);
}

TEST(PromptPoolsTest, FollowsTheRunningPassRateOfAFamilyAndLeavesErrorsOut) {
  PoolsConfig config;
  config.by = "family";
  config.decay = 0.5;
  PromptPools pools(config, 1);
  ThreePrompts source;
  pools.Record({Group("file:1", "b", 4, 0, 4), Group("file:2", "b", 4, 0)});
  EXPECT_EQ(NamesOf(pools, source, 30), (std::map<std::string, int>{{"file:0", 30}}));
  pools.Record({Group("file:1", "b", 3, 1), Group("file:2", "b", 0, 0, 4)});  // 0.875
  EXPECT_EQ(NamesOf(pools, source, 30),
            (std::map<std::string, int>{{"file:0", 10}, {"file:1", 10}, {"file:2", 10}}));
}

TEST(PromptPoolsTest, TakesEasyPromptsAllTheSameWhereThereIsNothingElse) {
  PoolsConfig config;
  config.by = "family";
  PromptPools pools(config, 1);
  ThreePrompts source;
  pools.Record({Group("x", "a", 1, 0), Group("y", "b", 1, 0)});
  EXPECT_EQ(pools.Next(source, 2)->size(), 2u);
}

TEST(PromptPoolsTest, DecidesAlikeAfterARestore) {
  PoolsConfig config;
  config.by = "prompt";
  config.hard_below = 0.5;
  config.hard_share = 0.5;
  PromptPools pools(config, 7), restored(config, 7);
  pools.Record({Group("file:0", "a", 0, 3), Group("file:1", "b", 1, 2)});
  ASSERT_TRUE(restored.Restore(pools.State(), "state.json").ok());
  ThreePrompts one, other;
  const auto a = *pools.Next(one, 50), b = *restored.Next(other, 50);
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].id, b[i].id);
  EXPECT_EQ(restored.Restore({{"x", "y"}}, "state.json").code(), absl::StatusCode::kDataLoss);
}

}  // namespace
}  // namespace grpo
