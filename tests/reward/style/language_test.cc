#include "reward/style/language.h"

#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::HasSubstr;

RewardResult Judge(
    const std::string& completion, const LanguageOptions& options = {},
    const std::string& prompt_text = "Wie viel ist das, und warum ist es nicht mehr?",
    const std::string& metadata = "{}") {
  const auto reward = NewLanguage(options);
  if (!reward.ok()) return RewardResult::Error(reward.status().ToString());
  Prompt prompt;
  prompt.name = "test/1";
  prompt.text = prompt_text;
  prompt.metadata_json = metadata;
  return (*reward)->Score({prompt, completion, 0, 0, FinishReason::kStop}, Deadline::Never());
}

TEST(LanguageTest, WantsThePromptsLanguage) {
  EXPECT_EQ(Judge("Das ist nicht viel, aber es ist genug für uns.").score, 1);
  EXPECT_EQ(Judge("That is not much, but it is enough for all of us.").score, 0);
  EXPECT_EQ(Judge("这不是很多。").score, 0);
}

TEST(LanguageTest, MetadataAndOptionComeFirst) {
  const std::string english = "That is not much, but it is enough for all of us.";
  EXPECT_EQ(Judge(english, {}, "Wie viel ist das?", R"({"language": "English"})").score, 1);
  LanguageOptions options;
  options.language = "de";
  EXPECT_EQ(Judge(english, options, "Wie viel ist das?", R"({"language": "en"})").score, 0);
}

TEST(LanguageTest, ScoresTheShareOfLetters) {
  EXPECT_DOUBLE_EQ(Judge("Das Haus 漢字漢字", {}).score, 7 / 11.0);
  EXPECT_DOUBLE_EQ(
      Judge("Das ist nicht das Haus von mir.\nThis is not the house that we have.\n").score,
      24 / 51.0);
}

TEST(LanguageTest, LeavesOutCodeAndFormulas) {
  EXPECT_EQ(Judge("Das ist es:\n```python\nfor the_value in all_values: print(the_value)\n```\n"
                  "Also $\\text{where } x \\text{ is the sum}$.")
                .score,
            1);
}

TEST(LanguageTest, SayingNothingScoresZero) {
  for (const char* completion : {"", " ", "123", "$x$", "```\nDas ist es.\n```", "\xFF\xFE"}) {
    EXPECT_EQ(Judge(completion).score, 0) << completion;
  }
  LanguageOptions options;
  options.min_letters = 20;
  EXPECT_EQ(Judge("Ja.", options).score, 0);
  EXPECT_EQ(Judge("Ja.").score, 1);
}

TEST(LanguageTest, AThresholdMakesItAllOrNothing) {
  LanguageOptions options;
  options.threshold = 0.6;
  EXPECT_EQ(Judge("Das Haus 漢字漢字", options).score, 1);
  options.threshold = 0.7;
  const RewardResult result = Judge("Das Haus 漢字漢字", options);
  EXPECT_EQ(result.score, 0);
  EXPECT_DOUBLE_EQ(result.parts[0].second, 7 / 11.0);
}

TEST(LanguageTest, JapaneseHasTwoScripts) {
  LanguageOptions options;
  options.language = "ja";
  EXPECT_EQ(Judge("日本語の文章です。", options).score, 1);
}

TEST(LanguageTest, NamesAnUnknownLanguage) {
  LanguageOptions options;
  options.language = "klingon";
  EXPECT_THAT(NewLanguage(options).status().message(), HasSubstr("klingon"));
  EXPECT_EQ(Judge("a", {}, "a", R"({"language": "xx"})").state, RewardState::kInvalid);
  EXPECT_EQ(Judge("a", {}, "a", R"({"language": 3})").state, RewardState::kInvalid);
  EXPECT_EQ(Judge("a", {}, "1 + 1 = ?").state, RewardState::kInvalid);
}

TEST(LanguageTest, CopesWithAMegabyteOfAnything) {
  for (const char* part : {"\xFF", "a", "ä ", "\n", "$", "`", "the ", "漢", "\u0301"}) {
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    const absl::Time start = absl::Now();
    EXPECT_EQ(Judge(text).state, RewardState::kScored);
    EXPECT_LT(absl::Now() - start, absl::Seconds(20)) << part;
  }
}

}  // namespace
}  // namespace grpo
