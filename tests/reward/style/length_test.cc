#include "reward/style/length.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

double Score(int num_tokens, int max_tokens) {
  LengthOptions options;
  options.penalty = 0.5;
  options.free_tokens = 60;
  const Prompt prompt;
  return NewLength(options)
      ->Score({prompt, "", num_tokens, max_tokens, FinishReason::kStop}, Deadline::Never())
      .score;
}

TEST(LengthTest, TakesMoreOffTheFurtherTheFreeTokensAreExceeded) {
  EXPECT_EQ(Score(0, 100), 0);
  EXPECT_EQ(Score(60, 100), 0);
  EXPECT_DOUBLE_EQ(Score(80, 100), -0.25);
  EXPECT_DOUBLE_EQ(Score(100, 100), -0.5);
  EXPECT_DOUBLE_EQ(Score(200, 100), -0.5);
}

TEST(LengthTest, TakesNothingOffWhereTheBudgetIsFree) {
  EXPECT_EQ(Score(60, 60), 0);
  EXPECT_EQ(Score(60, 0), 0);
}

}  // namespace
}  // namespace grpo
