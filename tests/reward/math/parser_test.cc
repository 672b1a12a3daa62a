#include "reward/math/parser.h"

#include <string>

#include <gtest/gtest.h>

namespace grpo {
namespace {

AnswerForm FormOf(const std::string& text) {
  const ParsedAnswer parsed = ParseAnswer(text);
  EXPECT_TRUE(parsed.parsed()) << text;
  return parsed.parsed() ? parsed.readings[0].form : AnswerForm::kText;
}

TEST(ParserTest, TellsTheKindsOfAnswers) {
  EXPECT_EQ(FormOf("3x+1"), AnswerForm::kScalar);
  EXPECT_EQ(FormOf("(1,2)"), AnswerForm::kTuple);
  EXPECT_EQ(FormOf("1, 2"), AnswerForm::kList);
  EXPECT_EQ(FormOf("\\{1\\}"), AnswerForm::kSet);
  EXPECT_EQ(FormOf("(1,2)\\cup(3,4)"), AnswerForm::kUnion);
  EXPECT_EQ(FormOf("\\mathbb{R}"), AnswerForm::kReals);
  EXPECT_EQ(FormOf("x<2"), AnswerForm::kRelation);
  EXPECT_EQ(FormOf("\\begin{pmatrix}1\\end{pmatrix}"), AnswerForm::kMatrix);
  EXPECT_EQ(FormOf("3 km"), AnswerForm::kQuantity);
  EXPECT_EQ(FormOf("12_3"), AnswerForm::kBased);
  EXPECT_EQ(FormOf("3:4"), AnswerForm::kRatio);
  EXPECT_EQ(FormOf("(C) 7"), AnswerForm::kChoice);
  EXPECT_EQ(FormOf("\\text{a regular hexagon}"), AnswerForm::kText);
}

TEST(ParserTest, ReadsACommaInEveryWayItCanBeMeant) {
  EXPECT_EQ(ParseAnswer("1,234").readings.size(), 2u);  // a thousand or two numbers
  EXPECT_EQ(ParseAnswer("1,23").readings.size(), 3u);   // two numbers or a decimal
  EXPECT_EQ(ParseAnswer("1, 234").readings.size(), 1u);
  EXPECT_EQ(FormOf("(1,234)"), AnswerForm::kTuple);
}

TEST(ParserTest, RefusesWhatIsNoMathematics) {
  for (const char* const text :
       {"", " ", "$$", "1+", "\\frac{1}", "(1", "1)", "2 3", "x^", "\\sqrt", "{", "1__2",
        "a=", "\\unknown{3}{4}+", "?", "|x", "3 + \\text{", "1//2"}) {
    EXPECT_FALSE(ParseAnswer(text).parsed()) << text;
  }
}

TEST(ParserTest, BoundsDepthNodesDigitsAndBytes) {
  const auto nested = [](int depth) {
    return std::string(depth, '(') + "1" + std::string(depth, ')');
  };
  EXPECT_TRUE(ParseAnswer(nested(50)).parsed());
  EXPECT_FALSE(ParseAnswer(nested(kMaxAnswerDepth + 1)).parsed());
  EXPECT_TRUE(ParseAnswer(std::string(kMaxNumberDigits, '7')).parsed());
  EXPECT_FALSE(ParseAnswer(std::string(kMaxNumberDigits + 1, '7')).parsed());
  std::string sum = "x";
  for (int i = 0; i < 2100; ++i) sum += "-x";
  EXPECT_FALSE(ParseAnswer(sum).parsed());
  EXPECT_FALSE(ParseAnswer("1" + std::string(100000, ' ') + "+1").parsed());
}

}  // namespace
}  // namespace grpo
