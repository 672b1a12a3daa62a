#include "data/normalizer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::nlohmann::json;
using ::testing::HasSubstr;

Normalizer Made(const json& description) {
  const auto normalizer = Normalizer::FromJson(description, "t.json");
  EXPECT_TRUE(normalizer.ok()) << normalizer.status();
  return *normalizer;
}

std::string Applied(const json& description, const std::string& text) {
  return Made(description).Apply(text);
}

TEST(NormalizerTest, BringsTextIntoEachUnicodeForm) {
  const std::string text = "ae\u0301 \u00e9\u0323 \ufb01\u0301x";
  EXPECT_EQ(Applied({{"type", "NFC"}}, text), "a\u00e9 \u1eb9\u0301 \ufb01\u0301x");
  EXPECT_EQ(Applied({{"type", "NFD"}}, text), "ae\u0301 e\u0323\u0301 \ufb01\u0301x");
  EXPECT_EQ(Applied({{"type", "NFKC"}}, text), "a\u00e9 \u1eb9\u0301 f\u00edx");
  EXPECT_EQ(Applied({{"type", "NFKD"}}, text), "ae\u0301 e\u0323\u0301 fi\u0301x");
}

TEST(NormalizerTest, LeavesAsciiAndNothingAlone) {
  for (const char* form : {"NFC", "NFKD"}) {
    EXPECT_EQ(Applied({{"type", form}}, std::string("a\0b", 3)), std::string("a\0b", 3));
    EXPECT_EQ(Applied({{"type", form}}, ""), "");
  }
  EXPECT_TRUE(Made(nullptr).empty());
  EXPECT_EQ(Made(nullptr).Apply("\u00e9"), "\u00e9");
}

TEST(NormalizerTest, ReplacesEmptyMatchesToo) {
  const json replace = {{"type", "Replace"}, {"pattern", {{"Regex", "e*"}}}, {"content", "-"}};
  EXPECT_EQ(Applied(replace, "aeeé"), "-a-é-");
}

TEST(NormalizerTest, SaysWhetherTheStartHasGone) {
  const auto start_removed = [](const json& description, const std::string& text) {
    bool removed = false;
    Made(description).Apply(text, &removed);
    return removed;
  };
  const json strip = {{"type", "Strip"}, {"strip_left", true}, {"strip_right", true}};
  EXPECT_TRUE(start_removed(strip, " a"));
  EXPECT_FALSE(start_removed(strip, "a "));
  const json replace = {{"type", "Replace"}, {"pattern", {{"String", "a"}}}, {"content", ""}};
  EXPECT_TRUE(start_removed(replace, "ab"));
  EXPECT_FALSE(start_removed(replace, "ba"));
  EXPECT_TRUE(start_removed({{"type", "StripAccents"}}, "\u0301a"));
}

TEST(NormalizerTest, BoundsHowMuchLongerATextCanGrow) {
  json steps = json::array();
  const json replace = {{"type", "Replace"}, {"pattern", {{"Regex", ""}}}, {"content", "aaaaaaa"}};
  for (int i = 0; i < 4; ++i) steps.push_back(replace);
  EXPECT_EQ(Applied({{"type", "Sequence"}, {"normalizers", steps}}, "b").size(), 8191u);
  steps.push_back(replace);
  const auto status =
      Normalizer::FromJson({{"type", "Sequence"}, {"normalizers", steps}}, "t.json").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("4096 times as long"));
}

}  // namespace
}  // namespace grpo
