#include "reward/style/phrases.h"

#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

RewardResult Judge(const std::string& completion, const PhrasesOptions& options,
                   const std::string& metadata = "{}") {
  Prompt prompt;
  prompt.name = "test/1";
  prompt.metadata_json = metadata;
  return NewPhrases(options)->Score({prompt, completion, 0, 0, FinishReason::kStop},
                                    Deadline::Never());
}

TEST(PhrasesTest, WantsAllRequiredAndNoForbidden) {
  PhrasesOptions options;
  options.required = {"thank you", "Regards"};
  options.forbidden = {"as an AI"};
  EXPECT_EQ(Judge("Thank\nyou. regards, me", options).score, 1);
  const RewardResult missing = Judge("Thank you.", options);
  EXPECT_EQ(missing.score, 0);
  EXPECT_THAT(missing.reason, HasSubstr("Regards"));
  EXPECT_THAT(missing.parts, ElementsAre(Pair("required", 0.5), Pair("forbidden", 0)));
  const RewardResult broken = Judge("Thank you, AS AN AI I regret. Regards", options);
  EXPECT_EQ(broken.score, 0);
  EXPECT_THAT(broken.parts, ElementsAre(Pair("required", 1), Pair("forbidden", 1)));
}

TEST(PhrasesTest, ReadsTheTasksPhrases) {
  const std::string metadata = R"({"required_phrases": ["yes"], "forbidden_phrases": "no"})";
  EXPECT_EQ(Judge("Yes!", {}, metadata).score, 1);
  EXPECT_EQ(Judge("Yes and no", {}, metadata).score, 0);
}

TEST(PhrasesTest, AnEmptyCompletionKeepsNoBan) {
  PhrasesOptions options;
  options.forbidden = {"no"};
  EXPECT_EQ(Judge("", options).score, 0);
  EXPECT_EQ(Judge(" \u200B\n", options).score, 0);
  EXPECT_EQ(Judge("well", options).score, 1);
}

TEST(PhrasesTest, CanMatchCase) {
  PhrasesOptions options;
  options.required = {"US"};
  EXPECT_EQ(Judge("tell us", options).score, 1);
  options.match_case = true;
  EXPECT_EQ(Judge("tell us", options).score, 0);
}

TEST(PhrasesTest, WithoutPhrasesTheTaskIsInvalid) {
  EXPECT_EQ(Judge("a", {}).state, RewardState::kInvalid);
  EXPECT_EQ(Judge("a", {}, R"({"required_phrases": [" "]})").state, RewardState::kInvalid);
  EXPECT_EQ(Judge("a", {}, R"({"required_phrases": [1]})").state, RewardState::kInvalid);
}

TEST(PhrasesTest, CopesWithAMegabyteOfAnything) {
  PhrasesOptions options;
  options.required = {"aaaaaaaaaa"};
  for (const char* part : {"\xFF", "a", "\u0301", "\u0327\u0301", "\uFDFA", " "}) {
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    const absl::Time start = absl::Now();
    EXPECT_EQ(Judge(text, options).score, 0) << part;
    EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << part;
  }
}

}  // namespace
}  // namespace grpo
