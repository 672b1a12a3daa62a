#include "reward/format.h"

#include <gtest/gtest.h>

#include "tests/reward/request.h"

namespace grpo {
namespace {

RewardResult Format(const std::string& completion) {
  return Judge(Spec("format"), PromptWithAnswer(""), completion);
}

TEST(FormatTest, AcceptsThoughtThenAnswer) {
  for (const char* completion :
       {"<think>a</think><answer>b</answer>", " \n<think>\na\n</think>\n<answer> b </answer>\n",
        "<think>a < b <i>c</i></think><answer>b</answer>"}) {
    EXPECT_EQ(Format(completion).score, 1) << Format(completion).reason;
  }
}

TEST(FormatTest, RefusesAnythingElse) {
  for (const char* completion : {"",
                                 "a",
                                 "<answer>b</answer>",
                                 "<think>a</think>",
                                 "<think>a</think><answer>b",
                                 "<think>a<answer>b</answer></think>",
                                 "<think>a</think>x<answer>b</answer>",
                                 "x<think>a</think><answer>b</answer>",
                                 "<think>a</think><answer>b</answer>x",
                                 "<think></think><answer>b</answer>",
                                 "<think> </think><answer>b</answer>",
                                 "<think>a</think><answer> </answer>",
                                 "<answer>b</answer><think>a</think>",
                                 "<think>a</think><answer>b</answer><answer>c</answer>",
                                 "<think>a</think><think>a</think><answer>b</answer>",
                                 "<think><think>a</think></think><answer>b</answer>",
                                 "</think>a<think><answer>b</answer>",
                                 "<think>a</think></answer>b<answer>",
                                 "<think>a</answer></think><answer>b",
                                 "<THINK>a</THINK><answer>b</answer>"}) {
    const RewardResult result = Format(completion);
    EXPECT_EQ(result.state, RewardState::kScored);
    EXPECT_EQ(result.score, 0) << completion;
    EXPECT_FALSE(result.reason.empty());
  }
}

TEST(FormatTest, ReadsTheAnswerTag) {
  const RewardSpec spec = RewardSpecOf("format", FormatOptions{"result"});
  EXPECT_EQ(Judge(spec, PromptWithAnswer(""), "<think>a</think><result>b</result>").score, 1);
  EXPECT_EQ(Judge(spec, PromptWithAnswer(""), "<think>a</think><answer>b</answer>").score, 0);
}

}  // namespace
}  // namespace grpo
