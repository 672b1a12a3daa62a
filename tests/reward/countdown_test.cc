#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/task.h"
#include "tests/reward/request.h"

namespace grpo {
namespace {

using testing::HasSubstr;

Prompt Game(const std::string& metadata_json) {
  Prompt prompt = PromptWithAnswer("7-3+9");
  prompt.metadata_json = metadata_json;
  return prompt;
}

RewardResult Play(const std::string& expression) {
  return Judge(Spec("countdown"), Game("{\"numbers\":[7,3,9,3],\"target\":10}"),
               "<think>hm</think><answer>" + expression + "</answer>");
}

TEST(CountdownRewardTest, AcceptsAnyExpressionThatUsesTheNumbersAndHits) {
  for (const char* expression : {"7-3+9-3", "(9-3)+(7-3)", " 9 - 3 + 7 - 3 ", "(3/3)+9*(7-7+1)"}) {
    const RewardResult result = Play(expression);
    EXPECT_EQ(result.state, RewardState::kScored);
    EXPECT_EQ(result.score, std::string(expression).find("7-7") == std::string::npos ? 1 : 0)
        << expression << ": " << result.reason;
  }
}

TEST(CountdownRewardTest, CalculatesWithFractions) {
  const Prompt game = Game("{\"numbers\":[3,3,8,8],\"target\":24}");
  EXPECT_EQ(Judge(Spec("countdown"), game, "<answer>8/(3-8/3)</answer>").score, 1);
}

TEST(CountdownRewardTest, WantsEachNumberExactlyOnce) {
  EXPECT_EQ(Play("7+3").score, 0);
  EXPECT_THAT(Play("7+3").reason, HasSubstr("uses the numbers 3 7 of 3 3 7 9"));
  EXPECT_EQ(Play("7+3+9-9").score, 0);
  EXPECT_EQ(Play("7-3+9-3+0").score, 0);
  EXPECT_EQ(Play("10").score, 0);
}

TEST(CountdownRewardTest, GivesNothingForAMissOrForWhatItCannotRead) {
  EXPECT_EQ(Play("7+3+9+3").reason, "value 22 is not 10");
  for (const char* expression : {"", "7-3+9-3=10", "-3+7+9-3", "7-3+9-3;", "(7-3+9-3", "7/(3-3)+9",
                                 "the answer is 7-3+9-3", "1e999999999"}) {
    const RewardResult result = Play(expression);
    EXPECT_EQ(result.state, RewardState::kScored);
    EXPECT_EQ(result.score, 0) << expression;
  }
  EXPECT_EQ(Play(std::string(3000, '(') + "7").score, 0);
  EXPECT_EQ(Judge(Spec("countdown"), Game("{\"numbers\":[1],\"target\":1}"), "1").reason,
            "no <answer> tag");
}

TEST(CountdownRewardTest, IsInvalidWithoutUsableMetadata) {
  for (const char* metadata :
       {"", "{}", "[]", "{", "null", "{\"numbers\":[1,2]}", "{\"target\":3}",
        "{\"numbers\":[],\"target\":3}", "{\"numbers\":3,\"target\":3}",
        "{\"numbers\":[1,\"2\"],\"target\":3}", "{\"numbers\":[1.5],\"target\":3}",
        "{\"numbers\":[-1],\"target\":3}", "{\"numbers\":[1],\"target\":\"3\"}",
        "{\"numbers\":[1],\"target\":99999999999999999999}",
        "{\"numbers\":[18446744073709551615],\"target\":3}"}) {
    const RewardResult result = Judge(Spec("countdown"), Game(metadata), "<answer>1+2</answer>");
    EXPECT_EQ(result.state, RewardState::kInvalid) << metadata;
    EXPECT_THAT(result.reason, HasSubstr("test/1: expected metadata"));
  }
}

}  // namespace
}  // namespace grpo
