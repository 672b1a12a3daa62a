#include "reward/style/characters.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(CharactersTest, TellUpperFromLowerTextAsPythonDoes) {
  EXPECT_TRUE(IsAllUpper("ABC 1!"));
  EXPECT_TRUE(IsAllUpper("ÄΩЖ"));
  EXPECT_FALSE(IsAllUpper("ABc"));
  EXPECT_FALSE(IsAllUpper("1 漢"));
  EXPECT_FALSE(IsAllUpper("ABCǅ"));  // title case
  EXPECT_TRUE(IsAllLower("abc 1!"));
  EXPECT_TRUE(IsAllLower("straße"));
  EXPECT_FALSE(IsAllLower("aB"));
  EXPECT_FALSE(IsAllLower(""));
}

TEST(CharactersTest, LowerMapsEveryScriptWithCase) { EXPECT_EQ(Lower("ÀΔДԱ漢1"), "àδдա漢1"); }

TEST(CharactersTest, StripSpaceTakesUnicodesSpacesToo) {
  EXPECT_EQ(StripSpace(" \u00A0\u3000a b\u2003\n"), "a b");
  EXPECT_EQ(StripSpace("\u2003"), "");
  EXPECT_EQ(StripSpace("\u200Ba"), "\u200Ba");  // a zero-width space is none
}

TEST(CharactersTest, WordsAreLettersDigitsAndUnderscores) {
  EXPECT_EQ(CountWords("don't stop_it 42 a-b"), 6);
  EXPECT_EQ(CountWords("¿Qué? 漢字"), 2);
  EXPECT_EQ(CountWords("हिन्दी"), 3);  // vowel signs are marks, which cut words
}

}  // namespace
}  // namespace grpo
