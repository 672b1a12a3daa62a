#include "reward/final_answer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reward/request.h"

namespace grpo {
namespace {

using testing::HasSubstr;

TEST(FinalAnswerTest, ComparesTheLastTaggedAnswerWithTheTruth) {
  const Prompt prompt = PromptWithAnswer("132");
  const RewardResult right =
      Judge(Spec("final_answer"), prompt, "<answer>7</answer><answer>132.0</answer>");
  EXPECT_EQ(right.state, RewardState::kScored);
  EXPECT_EQ(right.score, 1);
  EXPECT_EQ(right.reason, "answer 132.0 equals 132");
  const RewardResult wrong = Judge(Spec("final_answer"), prompt, "132 <answer>131</answer>");
  EXPECT_EQ(wrong.score, 0);
  EXPECT_EQ(wrong.reason, "answer 131 is not 132");
}

TEST(FinalAnswerTest, GivesNothingWithoutATag) {
  const RewardResult result = Judge(Spec("final_answer"), PromptWithAnswer("132"), "132");
  EXPECT_EQ(result.state, RewardState::kScored);
  EXPECT_EQ(result.score, 0);
  EXPECT_EQ(result.reason, "no <answer> tag");
}

TEST(FinalAnswerTest, IsInvalidWithoutAUsableTruth) {
  for (const std::string& truth : {std::string(), std::string(" \n"), std::string(5000, '1')}) {
    const RewardResult result =
        Judge(Spec("final_answer"), PromptWithAnswer(truth), "<answer>1</answer>");
    EXPECT_EQ(result.state, RewardState::kInvalid);
    EXPECT_THAT(result.reason, HasSubstr("test/1"));
  }
}

TEST(FinalAnswerTest, ReadsItsOptions) {
  FinalAnswerOptions options;
  options.answer_tag = "result";
  options.tolerance = 0.01;
  const RewardSpec spec = RewardSpecOf("final_answer", options);
  EXPECT_EQ(Judge(spec, PromptWithAnswer("100"), "<result>100.5</result>").score, 1);
  EXPECT_EQ(Judge(spec, PromptWithAnswer("100"), "<answer>100</answer>").score, 0);
}

TEST(FinalAnswerTest, RefusesHostileAnswersQuietly) {
  const std::string bodies[] = {
      std::string(100000, '9'), "1e999999999",  std::string(4096, '('),
      std::string(4096, '-'),   "<answer>",     "1" + std::string(4000, '0'),
      std::string(1, '\0'),     "\xFF\xFE\xFD", "9e999/9e-999"};
  for (const std::string& body : bodies) {
    const RewardResult result =
        Judge(Spec("final_answer"), PromptWithAnswer("7"), "<answer>" + body + "</answer>");
    EXPECT_EQ(result.state, RewardState::kScored);
    EXPECT_EQ(result.score, 0);
    EXPECT_LT(result.reason.size(), 300u);
  }
}

}  // namespace
}  // namespace grpo
