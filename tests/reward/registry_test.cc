#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/reward/request.h"

namespace grpo {
namespace {

using testing::HasSubstr;

std::string Refusal(const RewardSpec& spec) {
  return std::string(MakeReward(spec).status().message());
}

TEST(RegistryTest, MakesEveryCheckerUnderItsName) {
  for (const std::string& name : RewardNames()) {
    const auto reward = MakeReward(Spec(name));
    ASSERT_TRUE(reward.ok()) << reward.status();
    EXPECT_EQ((*reward)->name(), name);
  }
}

TEST(RegistryTest, ListsTheNamesWhereOneIsUnknown) {
  EXPECT_THAT(Refusal(Spec("formt")), HasSubstr("unknown reward \"formt\"; the rewards are "
                                                "final_answer, task_answer, countdown, format"));
}

TEST(RegistryTest, RefusesAnOptionThatTheCheckerDoesNotRead) {
  RewardSpec spec = Spec("format");
  spec.tolerance = 0.5;
  EXPECT_THAT(Refusal(spec), HasSubstr("\"format\" does not read the option tolerance; remove it"));
  spec = Spec("final_answer");
  spec.penalty = 2;
  EXPECT_THAT(Refusal(spec), HasSubstr("penalty"));
  spec = Spec("task_answer");
  spec.ngram = 3;
  EXPECT_THAT(Refusal(spec), HasSubstr("ngram"));
  spec = Spec("repetition");
  spec.free_tokens = 3;
  EXPECT_THAT(Refusal(spec), HasSubstr("free_tokens"));
  spec = Spec("length");
  spec.answer_tag = "result";
  EXPECT_THAT(Refusal(spec), HasSubstr("answer_tag"));
}

TEST(RegistryTest, RefusesValuesOutOfRange) {
  RewardSpec spec = Spec("final_answer");
  spec.tolerance = -1;
  EXPECT_THAT(Refusal(spec), HasSubstr("tolerance 0 to 1"));
  spec.tolerance = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Refusal(spec), HasSubstr("tolerance 0 to 1"));
  spec = Spec("final_answer");
  spec.weight = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Refusal(spec), HasSubstr("finite weight"));
  spec = Spec("repetition");
  spec.ngram = 0;
  EXPECT_THAT(Refusal(spec), HasSubstr("ngram >= 1"));
  for (const char* tag : {"", "<answer>", "think", "a b"}) {
    spec = Spec("format");
    spec.answer_tag = tag;
    EXPECT_THAT(Refusal(spec), HasSubstr("answer_tag is written without brackets")) << tag;
  }
}

}  // namespace
}  // namespace grpo
