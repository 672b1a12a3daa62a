#include "reward/code/output_match.h"

#include "gtest/gtest.h"

namespace grpo {
namespace {

TEST(OutputMatchTest, LinesMustBeTheSameButForWhiteSpaceAtTheirEnds) {
  const auto matches = [](absl::string_view expected, absl::string_view found) {
    return OutputMatches(expected, found, OutputRule::kLines, 0);
  };
  EXPECT_TRUE(matches("a b\nc\n", "a b \r\nc"));
  EXPECT_TRUE(matches("a\n\nb", "a\n\nb\n\n\n"));
  EXPECT_TRUE(matches("", "\n"));
  EXPECT_FALSE(matches("a\nb\n", "a\n"));        // a prefix
  EXPECT_FALSE(matches("a\nb\n", "a\nb\nc\n"));  // more lines
  EXPECT_FALSE(matches("a\nb\n", "a b\n"));
  EXPECT_FALSE(matches("a b", "a  b"));
  EXPECT_FALSE(matches("a", " a"));
  EXPECT_FALSE(matches("1", "1.0"));
}

TEST(OutputMatchTest, TokensAreWordsInOrder) {
  const auto matches = [](absl::string_view expected, absl::string_view found) {
    return OutputMatches(expected, found, OutputRule::kTokens, 0);
  };
  EXPECT_TRUE(matches("a\nb\n", " a  b"));
  EXPECT_FALSE(matches("a b", "a"));
  EXPECT_FALSE(matches("a b", "a b c"));
  EXPECT_FALSE(matches("a b", "ab"));
}

TEST(OutputMatchTest, ExactIsEveryByte) {
  EXPECT_TRUE(OutputMatches("a\n", "a\n", OutputRule::kExact, 0));
  EXPECT_FALSE(OutputMatches("a\n", "a", OutputRule::kExact, 0));
  EXPECT_FALSE(OutputMatches("1", "1.0", OutputRule::kExact, 1));
}

TEST(OutputMatchTest, NumbersMayDifferByTheTolerance) {
  EXPECT_TRUE(OutputMatches("x 0.5\n", "x 0.5000001\n", OutputRule::kLines, 1e-6));
  EXPECT_TRUE(OutputMatches("2000000.0", "2000001", OutputRule::kTokens, 1e-6));
  EXPECT_FALSE(OutputMatches("0.5", "0.51", OutputRule::kLines, 1e-6));
  EXPECT_FALSE(OutputMatches("0.5", "nan", OutputRule::kLines, 1));
  EXPECT_FALSE(OutputMatches("x", "y", OutputRule::kLines, 1));
}

}  // namespace
}  // namespace grpo
