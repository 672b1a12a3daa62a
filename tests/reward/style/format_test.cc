#include "reward/style/format.h"

#include "absl/time/clock.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

RewardResult Format(const std::string& completion, const FormatOptions& options = {}) {
  const Prompt prompt;
  return NewFormat(options).value()->Score({prompt, completion, 0, 0, FinishReason::kStop},
                                           Deadline::Never());
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
  FormatOptions options;
  options.answer_tag = "result";
  EXPECT_EQ(Format("<think>a</think><result>b</result>", options).score, 1);
  EXPECT_EQ(Format("<think>a</think><answer>b</answer>", options).score, 0);
}

TEST(FormatTest, CanTakePlainTextForTheAnswer) {
  FormatOptions options;
  options.answer = "text";
  for (const char* completion :
       {"<think>a</think>b", "\n<think>\na\n</think>\n\nThe answer is b.\n"}) {
    EXPECT_EQ(Format(completion, options).score, 1) << completion;
  }
  for (const char* completion :
       {"", "b", "<think>a</think>", "<think>a</think> \n", "<think> </think>b",
        "x<think>a</think>b", "<think>a</think>b<think>", "<think>a</think>b</think>",
        "</think>a<think>b", "<think>a</think><answer>b</answer>", "<think>a</think>b</answer>"}) {
    EXPECT_EQ(Format(completion, options).score, 0) << completion;
  }
}

TEST(FormatTest, CopesWithAMegabyteOfTags) {
  for (const char* part : {"<think>", "</think>", "<answer>", "<", "<<think>", "\xFF", " "}) {
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    const absl::Time start = absl::Now();
    EXPECT_EQ(Format(text).score, 0);
    EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << part;
  }
}

}  // namespace
}  // namespace grpo
