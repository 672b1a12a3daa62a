#include "rl/advantage.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

std::vector<Outcome> Group(const std::vector<double>& rewards,
                           const std::vector<bool>& valid = {}) {
  std::vector<Outcome> group(rewards.size());
  for (size_t i = 0; i < rewards.size(); ++i) {
    group[i].reward = rewards[i];
    group[i].valid = valid.empty() || valid[i];
  }
  return group;
}

std::vector<double> Of(const std::string& kind, const std::vector<Outcome>& group) {
  std::vector<double> values;
  const auto advantages = Advantages(kind, {group});
  for (const Advantage& advantage : advantages[0]) {
    EXPECT_EQ(advantage.size(), 1u);
    values.push_back(advantage[0]);
  }
  return values;
}

const char* const kComparingKinds[] = {"group",         "group_no_std", "batch",
                                       "leave_one_out", "max_rl",       "reinforce_pp_baseline"};

TEST(AdvantagesTest, GroupDividesByTheSampleDeviation) {
  const auto advantages = Of("group", Group({1, 0, 0, 1}));
  const double deviation = std::sqrt(4 * 0.25 / 3);
  EXPECT_NEAR(advantages[0], 0.5 / (deviation + 1e-4), 1e-12);
  EXPECT_NEAR(advantages[1], -0.5 / (deviation + 1e-4), 1e-12);
}

TEST(AdvantagesTest, WithoutStdOnlySubtractsTheMean) {
  EXPECT_EQ(Of("group_no_std", Group({3, 1})), (std::vector<double>{1, -1}));
}

TEST(AdvantagesTest, BatchDividesByTheDeviationOfAllGroups) {
  const auto advantages = Advantages("batch", {Group({1, 3}), Group({10, 14})});
  const double mean = 7, squares = 36 + 16 + 9 + 49;  // of 1, 3, 10, 14
  EXPECT_NEAR(advantages[1][1][0], 2 / (std::sqrt(squares / 3) + 1e-4), 1e-12) << mean;
  EXPECT_NEAR(advantages[0][0][0], -1 / (std::sqrt(squares / 3) + 1e-4), 1e-12);
}

TEST(AdvantagesTest, LeaveOneOutComparesWithTheMeanOfTheOthers) {
  const auto advantages = Of("leave_one_out", Group({4, 1, 0, 3}));
  EXPECT_NEAR(advantages[0], 4 - 4. / 3, 1e-12);
  EXPECT_NEAR(advantages[2], 0 - 8. / 3, 1e-12);
}

TEST(AdvantagesTest, MaxRlDividesByTheMeanAndIsZeroWhereThatIsNotPositive) {
  EXPECT_EQ(Of("max_rl", Group({1, 0, 0, 0})), (std::vector<double>{3, -1, -1, -1}));
  EXPECT_EQ(Of("max_rl", Group({1, -1})), (std::vector<double>{0, 0}));
}

TEST(AdvantagesTest, ReinforcePlusPlusWhitensOverTheTokensOfTheStep) {
  std::vector<std::vector<Outcome>> groups = {Group({1, 0}), Group({1, 1})};
  groups[0][0].num_tokens = 3;
  const auto advantages = Advantages("reinforce_pp", groups);
  // Tokens' returns: 1 1 1, 0, 1, 1.
  const double mean = 5. / 6, variance = (5 * (1. / 36) + 25. / 36) / 5;
  EXPECT_NEAR(advantages[0][0][0], (1 - mean) / std::sqrt(variance + 1e-8), 1e-9);
  EXPECT_NEAR(advantages[0][1][0], (0 - mean) / std::sqrt(variance + 1e-8), 1e-9);
  EXPECT_EQ(advantages[1][0], advantages[0][0]);  // whatever the group
}

TEST(AdvantagesTest, ReinforcePlusPlusChargesATokenForItselfAndWhatFollows) {
  std::vector<Outcome> group = Group({10, 0});
  group[0].num_tokens = 3;
  group[0].token_costs = {1, 2, 4};
  const auto advantages = Advantages("reinforce_pp", {group})[0];
  ASSERT_EQ(advantages[0].size(), 3u);
  // Returns 3, 4, 6 and 0: equal steps stay equal steps.
  const double unit = advantages[0][1] - advantages[0][0];
  EXPECT_GT(unit, 0);
  EXPECT_NEAR(advantages[0][2] - advantages[0][1], 2 * unit, 1e-12);
  EXPECT_NEAR(advantages[0][0] - advantages[1][0], 3 * unit, 1e-12);
  EXPECT_NEAR(advantages[0][0] + advantages[0][1] + advantages[0][2] + advantages[1][0], 0, 1e-12);
}

TEST(AdvantagesTest, OthersChargeTheWholeCompletion) {
  std::vector<Outcome> group = Group({10, 0});
  group[0].num_tokens = 2;
  group[0].token_costs = {1, 3};
  EXPECT_EQ(Of("group_no_std", group), (std::vector<double>{3, -3}));
}

TEST(AdvantagesTest, AreZeroInAGroupWithoutSignal) {
  for (const char* kind : kComparingKinds) {
    EXPECT_EQ(Of(kind, Group({0.1, 0.1, 0.1})), (std::vector<double>{0, 0, 0})) << kind;
  }
}

TEST(AdvantagesTest, LeaveOutWhatHasNoValidReward) {
  EXPECT_EQ(Of("group_no_std", Group({5, NAN, 1}, {true, false, true})),
            (std::vector<double>{2, 0, -2}));
  for (const char* kind : kComparingKinds) {
    const auto with = Of(kind, Group({5, NAN, 1}, {true, false, true}));
    const auto without = Of(kind, Group({5, 1}));
    EXPECT_EQ(with[0], without[0]) << kind;
    EXPECT_EQ(with[1], 0) << kind;
    EXPECT_EQ(with[2], without[1]) << kind;
  }
  EXPECT_EQ(Of("reinforce_pp", Group({5, NAN, 1}, {true, false, true}))[1], 0);
}

TEST(AdvantagesTest, AreZeroWithOneValidSampleOrNone) {
  for (const char* kind : kComparingKinds) {
    EXPECT_EQ(Of(kind, Group({5, 1}, {true, false})), (std::vector<double>{0, 0})) << kind;
    EXPECT_EQ(Of(kind, Group({5, 1}, {false, false})), (std::vector<double>{0, 0})) << kind;
    EXPECT_EQ(Of(kind, Group({5})), std::vector<double>{0}) << kind;
    EXPECT_TRUE(Advantages(kind, {}).empty());
    EXPECT_TRUE(Advantages(kind, {{}})[0].empty());
  }
}

TEST(AdvantagesTest, SumToZeroInEveryGroupAndDoNotDependOnAConstant) {
  RandomStream random(3, 1);
  for (int trial = 0; trial < 50; ++trial) {
    std::vector<double> rewards, shifted;
    for (int i = 0; i < 6; ++i) rewards.push_back(random.Normal());
    for (const double reward : rewards) shifted.push_back(reward + 8);
    for (const std::string kind : {"group", "group_no_std", "batch", "leave_one_out"}) {
      const auto advantages = Of(kind, Group(rewards)), others = Of(kind, Group(shifted));
      double sum = 0;
      for (size_t i = 0; i < rewards.size(); ++i) {
        sum += advantages[i];
        EXPECT_NEAR(advantages[i], others[i], 1e-9) << kind;
      }
      EXPECT_NEAR(sum, 0, 1e-9) << kind;
    }
  }
}

TEST(HasSignalTest, NeedsTwoDifferentValidRewardsWhereTheyAreCompared) {
  EXPECT_TRUE(HasSignal("group", {0, 1}, {true, true}));
  EXPECT_FALSE(HasSignal("group", {0, 1}, {true, false}));
  EXPECT_FALSE(HasSignal("group", {1, 1}, {true, true}));
  EXPECT_FALSE(HasSignal("group", {}, {}));
  EXPECT_TRUE(HasSignal("reinforce_pp", {1, 1}, {true, false}));
  EXPECT_FALSE(HasSignal("reinforce_pp", {1, 1}, {false, false}));
}

}  // namespace
}  // namespace grpo
