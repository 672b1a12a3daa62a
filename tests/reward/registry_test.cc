#include "reward/registry.h"

#include <limits>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reward/final_answer.h"
#include "reward/style/format.h"
#include "reward/style/repetition.h"
#include "tests/reward/request.h"

namespace grpo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string Refusal(const RewardSpec& spec) {
  return std::string(MakeReward(spec).status().message());
}

// The visitor that lists keys.
struct KeyLister {
  std::vector<std::string> keys;
  template <typename T, typename Constraint>
  void operator()(const char* key, T&, const Constraint&, const char*) {
    keys.push_back(key);
  }
};

std::vector<std::string> KeysOf(RewardSpec spec) {
  KeyLister lister;
  spec.VisitFields(lister);
  return lister.keys;
}

// The visitor that changes one number, as a recipe's reader would.
struct NumberSetter {
  std::string key;
  double value;
  template <typename T, typename Constraint>
  void operator()(const char* visited, T& field, const Constraint&, const char*) {
    if constexpr (std::is_same_v<T, double>) {
      if (key == visited) field = value;
    }
  }
};

TEST(RegistryTest, MakesEveryCheckerUnderItsNameFromItsDefaults) {
  for (const std::string& name : RewardNames()) {
    EXPECT_NE(RewardDocumentation(name), "") << name;
    ASSERT_NE(DefaultOptions(name), nullptr) << name;
    if (absl::EndsWith(name, ":")) continue;  // wants an argument
    const auto reward = MakeReward(Spec(name));
    ASSERT_TRUE(reward.ok()) << reward.status();
    EXPECT_EQ((*reward)->name(), name);
  }
}

TEST(RegistryTest, KnowsNothingOfOtherNames) {
  EXPECT_EQ(RewardDocumentation("formt"), "");
  EXPECT_EQ(DefaultOptions("formt"), nullptr);
  EXPECT_THAT(Refusal(Spec("formt")),
              HasSubstr("unknown reward \"formt\"; the rewards are final_answer, task_answer"));
}

TEST(RegistryTest, ShowsTheFieldsOfTheCheckerThatTheNameSays) {
  EXPECT_THAT(KeysOf(Spec("repetition")), ElementsAre("name", "weight", "gate", "families", "label",
                                                      "penalty", "ngram", "unit"));
  EXPECT_THAT(KeysOf(Spec("format")),
              ElementsAre("name", "weight", "gate", "families", "label", "answer_tag", "answer"));
}

TEST(RegistryTest, ShowsTheFieldsOfAllCheckersOnceWithoutAName) {
  const std::vector<std::string> keys = KeysOf(Spec(""));
  for (const char* key : {"answer_tag", "tolerance", "penalty", "ngram"}) {
    EXPECT_EQ(std::count(keys.begin(), keys.end(), key), 1) << key;
  }
}

TEST(RegistryTest, KeepsWhatAVisitorWritesIntoTheOptions) {
  RewardSpec spec = Spec("final_answer");
  NumberSetter setter{"tolerance", 0.25};
  spec.VisitFields(setter);
  EXPECT_EQ(Judge(spec, PromptWithAnswer("100"), "<answer>120</answer>").score, 1);
  // A copy has options of its own.
  RewardSpec copy = spec;
  NumberSetter reset{"tolerance", 0};
  copy.VisitFields(reset);
  EXPECT_EQ(Judge(copy, PromptWithAnswer("100"), "<answer>120</answer>").score, 0);
  EXPECT_EQ(Judge(spec, PromptWithAnswer("100"), "<answer>120</answer>").score, 1);
}

TEST(RegistryTest, RefusesTheOptionsOfAnotherChecker) {
  EXPECT_THAT(Refusal(RewardSpecOf("format", RepetitionOptions())),
              HasSubstr("reward \"format\": has the options of another checker"));
}

TEST(RegistryTest, RefusesValuesOutOfRange) {
  FinalAnswerOptions options;
  options.tolerance = -1;
  EXPECT_THAT(Refusal(RewardSpecOf("final_answer", options)),
              HasSubstr("tolerance: expected 0 to 1, found -1"));
  options.tolerance = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(Refusal(RewardSpecOf("final_answer", options)), HasSubstr("tolerance"));
  RepetitionOptions repetition;
  repetition.ngram = 0;
  EXPECT_THAT(Refusal(RewardSpecOf("repetition", repetition)),
              HasSubstr("ngram: expected 1 to 64, found 0"));
  RewardSpec spec = Spec("final_answer");
  spec.weight = std::numeric_limits<double>::infinity();
  EXPECT_THAT(Refusal(spec), HasSubstr("finite weight"));
  for (const char* tag : {"", "<answer>", "think", "a b"}) {
    for (const RewardSpec& tagged : {RewardSpecOf("format", FormatOptions{tag}),
                                     RewardSpecOf("final_answer", FinalAnswerOptions{tag, 0})}) {
      EXPECT_THAT(Refusal(tagged), HasSubstr("answer_tag is written without brackets")) << tag;
    }
  }
}

}  // namespace
}  // namespace grpo
