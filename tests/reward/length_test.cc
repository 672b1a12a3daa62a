#include "reward/length.h"

#include <gtest/gtest.h>

#include "tests/reward/request.h"

namespace grpo {
namespace {

double Score(int num_tokens, int max_tokens) {
  LengthOptions options;
  options.penalty = 0.5;
  options.free_tokens = 60;
  return Judge(*NewLength(options), PromptWithAnswer(""), "", num_tokens, max_tokens).score;
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
