#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/random.h"
#include "data/tokenizer.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Sums such as the quickstart's.
std::vector<std::string> Sums(int count) {
  std::vector<std::string> texts;
  RandomStream random(1, 1);
  for (int i = 0; i < count; ++i) {
    const uint64_t a = random.Below(1000), b = random.Below(1000);
    texts.push_back(absl::StrCat(
        "Compute ", a, "+", b, ". <think>working it out\n</think>The answer is ", a + b, ".<eos>"));
  }
  return texts;
}

std::shared_ptr<const Tokenizer> Trained(int vocabulary_size) {
  auto tokenizer =
      Tokenizer::Train(Sums(200), vocabulary_size, {"<pad>", "<eos>"}, {"<think>", "</think>"});
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *tokenizer;
}

TEST(TokenizerTrainerTest, GivesTheWantedNumberOfTokensWithTheSpecialOnesFirst) {
  const auto tokenizer = Trained(280);
  EXPECT_EQ(tokenizer->vocabulary_size(), 280);
  EXPECT_EQ(tokenizer->TokenId("<pad>"), 0);
  EXPECT_EQ(tokenizer->TokenId("<eos>"), 1);
  EXPECT_EQ(tokenizer->TokenId("<think>"), 2);
  EXPECT_EQ(tokenizer->TokenId("</think>"), 3);
  EXPECT_EQ(tokenizer->Decode({0, 2, 3, 1}, true), "<think></think>");
  EXPECT_EQ(tokenizer->TokenBytes(4 + 'a'), "a");
}

TEST(TokenizerTrainerTest, KeepsDigitsApart) {
  const auto tokenizer = Trained(284);
  EXPECT_EQ(tokenizer->Encode("4085").size(), 4u);
  for (int id = 0; id < tokenizer->vocabulary_size(); ++id) {
    const absl::string_view bytes = tokenizer->TokenBytes(id);
    if (bytes.size() == 1) continue;
    for (const char byte : bytes) EXPECT_FALSE(absl::ascii_isdigit(byte)) << bytes;
  }
}

TEST(TokenizerTrainerTest, LearnsNothingFromInsideTheGivenTokens) {
  const auto tokenizer = Trained(284);
  EXPECT_FALSE(tokenizer->TokenId("think").has_value());
  EXPECT_EQ(tokenizer->Encode("</think>").size(), 1u);
}

TEST(TokenizerTrainerTest, MergesTheMostFrequentPairAndOfEqualsThatOfTheLowerIds) {
  // In "xy" 3 times, "ab" and "cd" twice each; then the pairs of what was merged.
  const auto tokenizer = Tokenizer::Train({"cd", "cd", "xy", "ab", "xy", "ab", "xy"}, 259, {}, {});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ((*tokenizer)->TokenBytes(256), "xy");
  EXPECT_EQ((*tokenizer)->TokenBytes(257), "ab");
  EXPECT_EQ((*tokenizer)->TokenBytes(258), "cd");
}

TEST(TokenizerTrainerTest, CountsPairsThatOverlapAsWhatIsLeftOfThem) {
  const auto tokenizer = Tokenizer::Train({"aaaaaaaa", "aaaaaaaa"}, 259, {}, {});
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_THAT((*tokenizer)->Encode("aaaaaaaaaaa"), ElementsAre(258, 256, 'a'));
}

TEST(TokenizerTrainerTest, IsDeterministicAndSurvivesWritingAndReading) {
  const auto tokenizer = Trained(283);
  EXPECT_EQ(tokenizer->ToJson(), Trained(283)->ToJson());
  const auto read = *Tokenizer::FromJson(tokenizer->ToJson(), "t.json");
  const std::string text = "Compute 1+2. <think>The answer";
  EXPECT_EQ(read->Encode(text), tokenizer->Encode(text));
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text), false), text);
}

TEST(TokenizerTrainerTest, SaysHowManyTokensTheTextsCanGive) {
  const auto tokenizer = Tokenizer::Train({"ab", "ab"}, 300, {"<eos>"}, {});
  EXPECT_THAT(std::string(tokenizer.status().message()), HasSubstr("the texts give 258"));
  EXPECT_TRUE(Tokenizer::Train({"ab", "ab"}, 258, {"<eos>"}, {}).ok());
  EXPECT_TRUE(Tokenizer::Train({}, 256, {}, {}).ok());
}

TEST(TokenizerTrainerTest, RefusesWrongArguments) {
  const auto error = [](int size, const std::vector<std::string>& special) {
    return std::string(Tokenizer::Train({"ab"}, size, special, {"<a>"}).status().message());
  };
  EXPECT_THAT(error(257, {"<b>"}), HasSubstr("expected 258"));
  EXPECT_THAT(error(1 << 30, {}), HasSubstr("to 1048576"));
  EXPECT_THAT(error(300, {""}), HasSubstr("empty"));
  EXPECT_THAT(error(300, {"\xff"}), HasSubstr("not UTF-8"));
  EXPECT_THAT(error(300, {"<a>"}), HasSubstr("given twice"));
  EXPECT_THAT(error(300, {"a"}), HasSubstr("choose a longer one"));
}

}  // namespace
}  // namespace grpo
