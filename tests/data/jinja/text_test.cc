#include "data/jinja/text.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo::jinja {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(JinjaTextTest, CountsCharactersAndNotBytes) {
  EXPECT_EQ(CountCharacters("aé中🙂"), 4);
  EXPECT_EQ(ByteOffset("aé中🙂", 2), 3u);
  EXPECT_EQ(ByteOffset("aé中🙂", 9), 10u);
  EXPECT_THAT(Characters("aé中🙂"), ElementsAre("a", "é", "中", "🙂"));
}

TEST(JinjaTextTest, WritesAndReadsEveryLengthOfCharacter) {
  for (const char32_t character : {0x0, 0x7f, 0x80, 0x7ff, 0x800, 0xffff, 0x10000, 0x10ffff}) {
    std::string text;
    AppendUtf8(character, &text);
    size_t size = 0;
    EXPECT_EQ(DecodeUtf8(text, &size), character);
    EXPECT_EQ(size, text.size());
  }
}

TEST(JinjaTextTest, StripsWhatUnicodeCountsAsSpace) {
  EXPECT_EQ(Strip("\t\u00a0\u2003x\u3000\x1c", absl::nullopt, Side::kBoth), "x");
  EXPECT_EQ(Strip("\u200bx", absl::nullopt, Side::kBoth), "\u200bx");
  EXPECT_EQ(Strip("éaéxé", "é", Side::kLeft), "aéxé");
  EXPECT_EQ(Strip("éaéxé", "éx", Side::kRight), "éa");
  EXPECT_EQ(Strip("  ", absl::nullopt, Side::kRight), "");
}

TEST(JinjaTextTest, SplitsAsPythonDoes) {
  EXPECT_THAT(Split(" a  b ", absl::nullopt, -1), ElementsAre("a", "b"));
  EXPECT_THAT(Split(" a  b  c ", absl::nullopt, 1), ElementsAre("a", "b  c "));
  EXPECT_THAT(SplitFromRight(" a  b  c ", absl::nullopt, 1), ElementsAre(" a  b", "c"));
  EXPECT_THAT(Split(",a,,b", ",", -1), ElementsAre("", "a", "", "b"));
  EXPECT_THAT(Split("a,b,c", ",", 1), ElementsAre("a", "b,c"));
  EXPECT_THAT(SplitFromRight("a,b,c", ",", 1), ElementsAre("a,b", "c"));
  EXPECT_THAT(Split("", ",", -1), ElementsAre(""));
  EXPECT_THAT(Split(" ", absl::nullopt, -1), IsEmpty());
  EXPECT_THAT(SplitLines("a\r\nb\u2028\nc\n", false), ElementsAre("a", "b", "", "c"));
  EXPECT_THAT(SplitLines("a\r\nb", true), ElementsAre("a\r\n", "b"));
}

TEST(JinjaTextTest, FindsInLinearTime) {
  const std::string text(4'000'000, 'a');
  EXPECT_EQ(FindText(text, std::string(2'000'000, 'a') + "b"), std::string::npos);
  EXPECT_EQ(FindText("abcab", "ca"), 2u);
  EXPECT_EQ(FindText("", ""), 0u);
}

TEST(JinjaTextTest, ReplacesUpToALimit) {
  EXPECT_EQ(Replace("aaa", "a", "b", 2), "bba");
  EXPECT_EQ(Replace("né", "", "-", -1), "-n-é-");
  EXPECT_EQ(Replace("né", "", "-", 1), "-né");
  EXPECT_EQ(Replace("aaa", "a", "b", 0), "aaa");
  EXPECT_EQ(CountOccurrences("aaaa", "aa"), 2);
  EXPECT_EQ(CountOccurrences("né", ""), 3);
}

TEST(JinjaTextTest, MapsCaseByUnicode) {
  EXPECT_EQ(ToUpper("straße ﬁ éя"), "STRASSE FI ÉЯ");
  EXPECT_EQ(ToLower("ÉЯ İ ΑΣ Σ"), "éя i̇ ας σ");
  EXPECT_EQ(Capitalize("ßA"), "Ssa");
  EXPECT_EQ(ToTitle("they're bill's ǆ"), "They'Re Bill'S ǅ");
  EXPECT_EQ(SwapCase("aÉ"), "Aé");
  EXPECT_TRUE(IsUpper("A1É"));
  EXPECT_FALSE(IsUpper("1"));
  EXPECT_TRUE(IsLower("a1é"));
}

TEST(JinjaTextTest, QuotesAsReprDoes) {
  EXPECT_EQ(QuotePython("it's"), "\"it's\"");
  EXPECT_EQ(QuotePython("it's \"x\""), "'it\\'s \"x\"'");
  EXPECT_EQ(QuotePython(std::string("\n\t\\\0\x7f", 5)), "'\\n\\t\\\\\\x00\\x7f'");
  EXPECT_EQ(QuotePython("é中🙂"), "'é中🙂'");
  EXPECT_EQ(QuotePython("\u00a0\u200b\U000e0001"), "'\\xa0\\u200b\\U000e0001'");
}

}  // namespace
}  // namespace grpo::jinja
