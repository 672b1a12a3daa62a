#include "data/token_decoder.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::nlohmann::json;
using ::testing::ElementsAre;

// What comes out for each token, and at the end.
std::vector<std::string> Parts(const json& description, const std::vector<std::string>& tokens) {
  const auto decoder = TokenDecoder::FromJson(description, "t.json");
  EXPECT_TRUE(decoder.ok()) << decoder.status();
  TokenDecoder::Run run(*decoder);
  std::vector<std::string> parts;
  for (const std::string& token : tokens) run.Push(token, &parts.emplace_back());
  run.Finish(&parts.emplace_back());
  return parts;
}

json Sequence(const json& decoders) { return {{"type", "Sequence"}, {"decoders", decoders}}; }
json Strip(const std::string& content, int start, int stop) {
  return {{"type", "Strip"}, {"content", content}, {"start", start}, {"stop", stop}};
}

TEST(TokenDecoderTest, HoldsBackTheStartOfACharacter) {
  EXPECT_THAT(Parts({{"type", "ByteLevel"}}, {"aĠä", "¸Ń", "ð", "x"}),
              ElementsAre("a ", "中", "", "\uFFFDx", ""));
  EXPECT_THAT(Parts({{"type", "ByteLevel"}}, {"中", "ä"}), ElementsAre("中", "", "\uFFFD"));
}

TEST(TokenDecoderTest, HoldsBackARunOfBytesWhichIsTextAsAWholeOrNotAtAll) {
  EXPECT_THAT(Parts({{"type", "ByteFallback"}}, {"<0xE4>", "<0xb8>", "<0xAD>", "a", "<0xE4>", "b"}),
              ElementsAre("", "", "", "中a", "", "\uFFFDb", ""));
  EXPECT_THAT(Parts({{"type", "ByteFallback"}}, {"<0x41>", "<0xFF>", "<0xG1>"}),
              ElementsAre("", "", "\uFFFD\uFFFD<0xG1>", ""));
  EXPECT_THAT(Parts({{"type", "ByteFallback"}}, {"<0x41>"}), ElementsAre("", "A"));
}

TEST(TokenDecoderTest, StripsEachTokenBeforeFuseAndTheWholeTextAfterIt) {
  EXPECT_THAT(Parts(Strip("_", 1, 1), {"__a_", "_b"}), ElementsAre("_a", "b", ""));
  EXPECT_THAT(Parts(Sequence({{{"type", "Fuse"}}, Strip("_", 2, 2)}), {"_", "__a_", "__b_", "_"}),
              ElementsAre("", "_a", "___b", "", ""));
}

TEST(TokenDecoderTest, DropsTheSpaceOfTheFirstTokenAlone) {
  const json metaspace = {
      {"type", "Metaspace"}, {"replacement", "▁"}, {"prepend_scheme", "always"}};
  EXPECT_THAT(Parts(metaspace, {"▁a▁b", "▁c"}), ElementsAre("ab", " c", ""));
}

TEST(TokenDecoderTest, PutsSpacesBetweenTokensWhereThereIsNoDecoder) {
  EXPECT_THAT(Parts(nullptr, {"a", "b"}), ElementsAre("a", " b", ""));
}

TEST(TokenDecoderTest, KnowsWhatATokenStandsFor) {
  const auto decoder = TokenDecoder::FromJson(
      Sequence({{{"type", "Replace"}, {"pattern", {{"String", "▁"}}}, {"content", " "}},
                {{"type", "ByteFallback"}},
                {{"type", "Fuse"}},
                Strip(" ", 1, 0)}),
      "t.json");
  ASSERT_TRUE(decoder.ok()) << decoder.status();
  EXPECT_EQ(decoder->BytesOf("▁a"), " a");
  EXPECT_EQ(decoder->BytesOf("<0xFF>"), "\xFF");
}

}  // namespace
}  // namespace grpo
