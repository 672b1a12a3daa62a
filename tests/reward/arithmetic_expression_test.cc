#include "reward/arithmetic_expression.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::string Value(absl::string_view text) {
  const auto result = EvaluateExpression(text, 8);
  return result.ok() ? result->value.ToString() : std::string(result.status().message());
}

TEST(EvaluateExpressionTest, FollowsPrecedenceAndParentheses) {
  EXPECT_EQ(Value("7+3*9"), "34");
  EXPECT_EQ(Value("(7+3)*9"), "90");
  EXPECT_EQ(Value("8-3-2"), "3");
  EXPECT_EQ(Value("8/4/2"), "1");
  EXPECT_EQ(Value(" 1 / 3 * 3 "), "1");
  EXPECT_EQ(Value("2×3÷4"), "3/2");
  EXPECT_EQ(Value("5\u22127"), "-2");
}

TEST(EvaluateExpressionTest, ListsTheNumbersItUsed) {
  EXPECT_EQ(EvaluateExpression("7-(3+007)", 8)->numbers, (std::vector<int64_t>{7, 3, 7}));
}

TEST(EvaluateExpressionTest, SaysWhatItCannotRead) {
  EXPECT_EQ(Value(""),
            "expected a number of at most 18 digits or a parenthesis at byte 0, found "
            "the end");
  EXPECT_EQ(Value("7-3=4"), "expected an operator or the end at byte 3, found \"=4\"");
  EXPECT_EQ(Value("(7-3"), "expected a closing parenthesis at byte 4, found the end");
  EXPECT_EQ(Value("7/(3-3)"), "division by zero");
  EXPECT_EQ(Value("1+1+1+1+1+1+1+1+1"), "more than 8 numbers");
  for (const char* text : {"-7+3", "7+-3", "7**3", "7^3", "7 3", "()", "7)", "x", "1.5", "2(3)",
                           "9999999999999999999"}) {
    EXPECT_FALSE(EvaluateExpression(text, 8).ok()) << text;
  }
}

TEST(EvaluateExpressionTest, BoundsTheDepth) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "7" + std::string(depth, ')');
  };
  EXPECT_TRUE(EvaluateExpression(nested(64), 8).ok());
  EXPECT_FALSE(EvaluateExpression(nested(65), 8).ok());
  EXPECT_FALSE(EvaluateExpression(std::string(1000000, '('), 8).ok());
}

}  // namespace
}  // namespace grpo
