#include "rl/advantage.h"

#include <cmath>

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(GroupAdvantagesTest, DividesByTheSampleDeviation) {
  const auto advantages = GroupAdvantages("group", {1, 0, 0, 1}, {true, true, true, true});
  const double deviation = std::sqrt(4 * 0.25 / 3);
  EXPECT_NEAR(advantages[0], 0.5 / (deviation + 1e-4), 1e-12);
  EXPECT_NEAR(advantages[1], -0.5 / (deviation + 1e-4), 1e-12);
}

TEST(GroupAdvantagesTest, WithoutStdOnlySubtractsTheMean) {
  EXPECT_EQ(GroupAdvantages("group_no_std", {3, 1}, {true, true}), (std::vector<double>{1, -1}));
}

TEST(GroupAdvantagesTest, IsZeroInAGroupWithoutSignal) {
  EXPECT_EQ(GroupAdvantages("group", {0.1, 0.1, 0.1}, {true, true, true}),
            (std::vector<double>{0, 0, 0}));
}

TEST(GroupAdvantagesTest, LeavesOutWhatHasNoValidReward) {
  const auto advantages = GroupAdvantages("group_no_std", {5, NAN, 1}, {true, false, true});
  EXPECT_EQ(advantages, (std::vector<double>{2, 0, -2}));
}

TEST(GroupAdvantagesTest, IsZeroWithOneValidSampleOrNone) {
  EXPECT_EQ(GroupAdvantages("group", {5, 1}, {true, false}), (std::vector<double>{0, 0}));
  EXPECT_EQ(GroupAdvantages("group", {5, 1}, {false, false}), (std::vector<double>{0, 0}));
}

TEST(HasSignalTest, NeedsTwoDifferentValidRewards) {
  EXPECT_TRUE(HasSignal({0, 1}, {true, true}));
  EXPECT_FALSE(HasSignal({0, 1}, {true, false}));
  EXPECT_FALSE(HasSignal({1, 1}, {true, true}));
  EXPECT_FALSE(HasSignal({}, {}));
}

}  // namespace
}  // namespace grpo
