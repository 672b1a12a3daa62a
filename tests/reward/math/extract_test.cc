#include "reward/math/extract.h"

#include <string>

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::string Answer(const std::string& completion, const ExtractPolicy& policy = ExtractPolicy()) {
  const auto extraction = ExtractAnswer(completion, policy);
  return extraction.has_value() ? extraction->text : "(none)";
}

TEST(ExtractTest, TakesTheLastBalancedBox) {
  EXPECT_EQ(Answer("so \\boxed{\\frac{1}{2}}."), "\\frac{1}{2}");
  EXPECT_EQ(Answer("It is \\boxed{41}. No wait, \\boxed{42}."), "42");
  EXPECT_EQ(Answer("\\fbox{7} apples"), "7");
  EXPECT_EQ(Answer("\\boxed 42."), "42.");
  EXPECT_EQ(Answer("\\boxed{\\boxed{42}}"), "\\boxed{42}");
  EXPECT_EQ(Answer("\\boxed{\\{1,2\\}}"), "\\{1,2\\}");
}

TEST(ExtractTest, FindsNoAnswerInAnUnclosedBoxOrThought) {
  EXPECT_EQ(Answer("\\boxed{1} then \\boxed{\\frac12"), "(none)");
  EXPECT_EQ(Answer("<think> \\boxed{1}"), "(none)");
  EXPECT_EQ(Answer("<think>\\boxed{1}</think> well"), "well");
  EXPECT_EQ(Answer("<think>\\boxed{1}</think> \\boxed{2}"), "2");
  ExtractPolicy truth;
  truth.truth = true;
  EXPECT_EQ(Answer("it is \\boxed{12", truth), "12");
}

TEST(ExtractTest, JoinsBoxesThatStandTogether) {
  EXPECT_EQ(Answer("\\boxed{1}\\boxed{2}"), "1 and 2");
  EXPECT_EQ(Answer("\\boxed{1}, \\boxed{2} and \\boxed{3}"), "1 and 2 and 3");
  EXPECT_EQ(Answer("\\boxed{4} pens and \\boxed{5} cups"), "4 and 5");
  EXPECT_EQ(Answer("\\boxed{4} no no no \\boxed{5}"), "5");
  EXPECT_EQ(Answer("\\boxed{4} and \\boxed{5}. The sum is \\boxed{9}"), "9");
}

TEST(ExtractTest, FindsPlainAnswers) {
  EXPECT_EQ(Answer("I add.\n<answer> 12 </answer>"), " 12 ");
  EXPECT_EQ(Answer("2 + 2 = 4 <<2+2=4>>\n#### 4"), "4");
  EXPECT_EQ(Answer("We add them up.\nThe final answer is $\\frac{3}{4}$. I hope it is correct."),
            "$\\frac{3}{4}$");
  EXPECT_EQ(Answer("We add.\nFinal Answer: The largest $n$ is 34."), "34");
  EXPECT_EQ(Answer("We add.\n**Answer:** 34 apples."), "34 apples");
  EXPECT_EQ(Answer("I added 3 and 4. **7**"), "7");
  EXPECT_EQ(Answer("The sum of 3 and 4 makes \\(7\\)"), "7");
  EXPECT_EQ(Answer("I have 3 pens, so he gives 1,250.50 to me"), "1,250.50");
  EXPECT_EQ(Answer("it falls to -3 today"), "-3");
  EXPECT_EQ(Answer("x = 12"), "x = 12");
  EXPECT_EQ(Answer("route A7 leads nowhere"), "route A7 leads nowhere");
}

TEST(ExtractTest, FindsLetters) {
  ExtractPolicy policy;
  policy.choice = true;
  EXPECT_EQ(Answer("It cannot be A, so I think it's B", policy), "B");
  EXPECT_EQ(Answer("The answer is D, not A or B", policy), "D");
  EXPECT_EQ(Answer("C. since A is wrong", policy), "C");
}

TEST(ExtractTest, IsLinearOnHostileText) {
  const char* const parts[] = {
      "\\boxed{",        "{",  "}",  "$",       "\\(", "**", "answer is ", "####",
      "<think></think>", "1/", "\\", "<answer>"};
  for (const std::string part : parts) {
    std::string text;
    while (text.size() < 200000) text += part;
    ExtractAnswer(text, ExtractPolicy());  // returns in time
  }
}

}  // namespace
}  // namespace grpo
