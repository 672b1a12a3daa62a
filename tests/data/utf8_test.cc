#include "data/utf8.h"

#include <string>

#include "absl/strings/str_replace.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(Utf8Test, AcceptsTheFirstAndLastCharacterOfEveryLength) {
  for (const char* text :
       {"\x01", "\x7f", "\xC2\x80", "\xDF\xBF", "\xE0\xA0\x80", "\xED\x9F\xBF", "\xEE\x80\x80",
        "\xEF\xBF\xBF", "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(IsUtf8(text)) << text;
  }
}

TEST(Utf8Test, RefusesOverlongFormsSurrogatesAndWhatIsCutOff) {
  for (const char* text :
       {"\x80", "\xC0\x80", "\xC1\xBF", "\xC2", "\xE0\x9F\xBF", "\xE1\x80", "\xED\xA0\x80",
        "\xF0\x8F\xBF\xBF", "\xF0\x90\x80", "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF"}) {
    EXPECT_EQ(Utf8CharacterSize(text), 0u) << text;
  }
}

TEST(Utf8Test, FindsWhereValidBytesEnd) {
  EXPECT_EQ(ValidUtf8Prefix("a\xC3\xA9\xFF"
                            "b"),
            3u);
  EXPECT_EQ(ValidUtf8Prefix(""), 0u);
}

// The examples of the Unicode Standard, 3.9, tables 3-8 to 3-11, where "?" is U+FFFD.
TEST(Utf8Test, ReplacesEachStartOfACharacterOnce) {
  const auto replaced = [](absl::string_view text) {
    return absl::StrReplaceAll(ReplaceInvalidUtf8(text), {{"\uFFFD", "?"}});
  };
  EXPECT_EQ(replaced("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"), "????????A");
  EXPECT_EQ(replaced("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"), "????????A");
  EXPECT_EQ(replaced("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), "?????A??B");
  EXPECT_EQ(replaced("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "????A");
  EXPECT_EQ(replaced("\xF0\x91\x92"), "?");
  EXPECT_EQ(replaced("é中😀"), "é中😀");
  EXPECT_EQ(InvalidUtf8Prefix(""), 0u);
}

TEST(Utf8Test, ReadsAndWritesEveryCharacter) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point == 0xD800) point = 0xE000;
    std::string text;
    AppendUtf8(point, &text);
    ASSERT_TRUE(IsUtf8(text)) << text;
    ASSERT_TRUE(DecodeUtf8(text) == point) << text;
    for (size_t size = 1; size < text.size(); ++size) {
      ASSERT_TRUE(IsUtf8Start(text.substr(0, size))) << text;
    }
    ASSERT_FALSE(IsUtf8Start(text)) << text;
  }
}

}  // namespace
}  // namespace grpo
