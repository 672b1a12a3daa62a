#include "reward/style/repetition.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

double Score(const std::string& completion, const std::string& unit = "words", int ngram = 2) {
  RepetitionOptions options;
  options.penalty = 2;
  options.ngram = ngram;
  options.unit = unit;
  const Prompt prompt;
  return NewRepetition(options)
      ->Score({prompt, completion, 0, 0, FinishReason::kStop}, Deadline::Never())
      .score;
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

TEST(RepetitionTest, CanCountCharacters) {
  EXPECT_EQ(Score("好好学习", "characters"), 0);
  EXPECT_DOUBLE_EQ(Score("好好 好好", "characters"), -2 * (2 / 3.0));
  EXPECT_EQ(Score("好好好好", "words"), 0);
  EXPECT_LT(Score("\xFF\xFF\xFF", "characters"), 0);  // three replacement characters
}

TEST(RepetitionTest, CopesWithOneWordWithoutEnd) {
  std::string endless;
  for (int i = 0; i < 100000; ++i) endless += "a ";
  EXPECT_NEAR(Score(endless), -2, 1e-3);
  EXPECT_NEAR(Score(endless, "words", 64), -2, 1e-3);
  EXPECT_NEAR(Score(std::string(1 << 20, 'a'), "characters", 64), -2, 1e-3);
}

}  // namespace
}  // namespace grpo
