#include "reward/safety/word_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

bool Alone(const std::string& text, const std::string& phrase) {
  const size_t begin = text.find(phrase);
  EXPECT_NE(begin, std::string::npos);
  return StandsAlone(text, begin, begin + phrase.size());
}

TEST(WordTextTest, SaysWhatStandsAlone) {
  EXPECT_TRUE(Alone("a bomb.", "bomb"));
  EXPECT_TRUE(Alone("bomb", "bomb"));
  EXPECT_FALSE(Alone("bombastic", "bomb"));
  EXPECT_FALSE(Alone("abomb", "bomb"));
  EXPECT_FALSE(Alone("bomb\u00E9", "bomb"));
  EXPECT_FALSE(Alone("bomb2", "bomb"));
  EXPECT_TRUE(Alone("\u505A\u70B8\u5F39\u7684", "\u70B8\u5F39"));
}

TEST(WordTextTest, KeepsWordsAlone) {
  EXPECT_EQ(FoldedWords("  Hello,\nWORLD!! 5 "), "hello world 5");
  EXPECT_EQ(FoldedWords("..."), "");
}

TEST(WordTextTest, SqueezesAndReverses) {
  EXPECT_EQ(Squeezed("S-E c_R\tET \u00C91"), "secret\u00E91");
  EXPECT_EQ(Reversed("ab\u00E9\u4E2D"), "\u4E2D\u00E9ba");
  EXPECT_EQ(Reversed(""), "");
}

}  // namespace
}  // namespace grpo
