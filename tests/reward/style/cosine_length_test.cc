#include "reward/style/cosine_length.h"

#include <cmath>

#include <gtest/gtest.h>

namespace grpo {
namespace {

// Says what it is told.
class FixedReward : public Reward {
 public:
  explicit FixedReward(RewardResult result) : result_(std::move(result)) {}
  absl::string_view name() const override { return "fixed"; }
  RewardResult Score(const RewardRequest&, const Deadline&) const override { return result_; }

 private:
  const RewardResult result_;
};

RewardResult Judge(const RewardResult& correctness, int num_tokens, int max_tokens,
                   FinishReason finish = FinishReason::kStop) {
  const auto reward = NewCosineLength({}, std::make_unique<FixedReward>(correctness));
  const Prompt prompt;
  return reward->Score({prompt, "", num_tokens, max_tokens, finish}, Deadline::Never());
}

const RewardResult kRight = RewardResult::Scored(1, ""), kWrong = RewardResult::Scored(0, "");

TEST(CosineLengthTest, RightAnswersAreWorthMoreWhenShort) {
  EXPECT_DOUBLE_EQ(Judge(kRight, 0, 100).score, 2);
  EXPECT_DOUBLE_EQ(Judge(kRight, 50, 100).score, 1.5);
  EXPECT_NEAR(Judge(kRight, 25, 100).score, 1 + (1 + std::sqrt(0.5)) / 2, 1e-12);
  EXPECT_NEAR(Judge(kRight, 99, 100).score, 1, 1e-3);
}

TEST(CosineLengthTest, WrongAnswersCostLessWhenLong) {
  EXPECT_DOUBLE_EQ(Judge(kWrong, 0, 100).score, -10);
  EXPECT_DOUBLE_EQ(Judge(kWrong, 50, 100).score, -5);
  EXPECT_LT(Judge(kWrong, 20, 100).score, Judge(kWrong, 80, 100).score);
}

TEST(CosineLengthTest, TheBudgetCutsOffRightAndWrongAlike) {
  EXPECT_EQ(Judge(kRight, 100, 100).score, -10);
  EXPECT_EQ(Judge(kWrong, 100, 100).score, -10);
  EXPECT_EQ(Judge(kRight, 50, 100, FinishReason::kLength).score, -10);
}

TEST(CosineLengthTest, WhatIsNotScoredStaysSo) {
  EXPECT_EQ(Judge(RewardResult::Invalid("x"), 1, 100).state, RewardState::kInvalid);
  EXPECT_EQ(Judge(RewardResult::Error("x"), 1, 100).state, RewardState::kError);
  EXPECT_EQ(Judge(kRight, 1, 0).state, RewardState::kInvalid);
}

}  // namespace
}  // namespace grpo
