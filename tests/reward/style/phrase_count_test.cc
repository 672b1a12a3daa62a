#include "reward/style/phrase_count.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(PhraseCountTest, TakesAwayCaseWidthCompositionAndInvisibleCharacters) {
  EXPECT_EQ(FoldForPhrases("Straße", false), "strasse");
  EXPECT_EQ(FoldForPhrases("ＰＡＳＳ", false), "pass");
  EXPECT_EQ(FoldForPhrases("é", false), FoldForPhrases("e\u0301", false));
  EXPECT_EQ(FoldForPhrases("pass\u200Bword\u00AD", false), "password");
  EXPECT_EQ(FoldForPhrases("  a \n\u00A0b ", false), "a b");
  EXPECT_EQ(FoldForPhrases("Ab", true), "Ab");
  EXPECT_EQ(FoldForPhrases("\u200B \n", false), "");
}

TEST(PhraseCountTest, CountsWholeWordsOnly) {
  EXPECT_EQ(CountPhrase("cat", "cat cats concat (cat) cat-like"), 3);
  EXPECT_EQ(CountPhrase("e", FoldForPhrases("é e", false)), 1);
  EXPECT_EQ(CountPhrase("x", FoldForPhrases("x\u0301 x", false)), 1);
  EXPECT_EQ(CountPhrase("a b", "a b a b"), 2);
  EXPECT_EQ(CountPhrase("aa", "aaa aa"), 1);
  EXPECT_EQ(CountPhrase("", "a"), 0);
  EXPECT_EQ(CountPhrase("!", "a!b"), 1);
}

TEST(PhraseCountTest, FindsWordsInScriptsWithoutSpaces) {
  EXPECT_EQ(CountPhrase("北京", "我在北京市"), 1);
  EXPECT_EQ(CountPhrase("дом", "домой дом"), 1);
}

}  // namespace
}  // namespace grpo
