#include "reward/repetition.h"

#include <gtest/gtest.h>

#include "tests/reward/request.h"

namespace grpo {
namespace {

double Score(const std::string& completion) {
  RepetitionOptions options;
  options.penalty = 2;
  options.ngram = 2;
  return Judge(*NewRepetition(options), PromptWithAnswer(""), completion).score;
}

TEST(RepetitionTest, TakesOffByTheShareOfRepeatedNGrams) {
  EXPECT_EQ(Score("a b c d"), 0);
  EXPECT_DOUBLE_EQ(Score("a b a b a"), -2 * 0.5);           // ab ba ab ba
  EXPECT_DOUBLE_EQ(Score("a  a\na\ta a"), -2 * (3 / 4.0));  // aa four times
}

TEST(RepetitionTest, TakesNothingOffShortCompletions) {
  EXPECT_EQ(Score(""), 0);
  EXPECT_EQ(Score("a"), 0);
  EXPECT_EQ(Score("a a"), 0);
}

TEST(RepetitionTest, CopesWithOneWordWithoutEnd) {
  std::string endless;
  for (int i = 0; i < 100000; ++i) endless += "a ";
  EXPECT_NEAR(Score(endless), -2, 1e-3);
}

}  // namespace
}  // namespace grpo
