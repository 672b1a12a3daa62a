#include "data/utf8.h"

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

TEST(Utf8Test, FindsWhereValidAndInvalidBytesEnd) {
  EXPECT_EQ(ValidUtf8Prefix("a\xC3\xA9\xFF"
                            "b"),
            3u);
  EXPECT_EQ(InvalidUtf8Prefix("\xFF\xE1\x80"
                              "b"),
            3u);
  EXPECT_EQ(InvalidUtf8Prefix("b"), 0u);
  EXPECT_EQ(ValidUtf8Prefix(""), 0u);
}

}  // namespace
}  // namespace grpo
