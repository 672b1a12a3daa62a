#include "reward/style/folded_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(FoldedTextTest, TakesAwayCaseWidthCompositionAndInvisibleCharacters) {
  EXPECT_EQ(FoldText("Straße", false), "strasse");
  EXPECT_EQ(FoldText("ＰＡＳＳ", false), "pass");
  EXPECT_EQ(FoldText("é", false), FoldText("e\u0301", false));
  EXPECT_EQ(FoldText("pass\u200Bword\u00AD", false), "password");
  EXPECT_EQ(FoldText("  a \n\u00A0b ", false), "a b");
  EXPECT_EQ(FoldText("Ab", true), "Ab");
  EXPECT_EQ(FoldText("\u200B \n", false), "");
}

TEST(FoldedTextTest, CountsWholeWordsOnly) {
  EXPECT_EQ(CountPhrase("cat", "cat cats concat (cat) cat-like"), 3);
  EXPECT_EQ(CountPhrase("e", FoldText("é e", false)), 1);
  EXPECT_EQ(CountPhrase("a b", "a b a b"), 2);
  EXPECT_EQ(CountPhrase("aa", "aaa aa"), 1);
  EXPECT_EQ(CountPhrase("", "a"), 0);
  EXPECT_EQ(CountPhrase("!", "a!b"), 1);
}

TEST(FoldedTextTest, FindsWordsInScriptsWithoutSpaces) {
  EXPECT_EQ(CountPhrase("北京", "我在北京市"), 1);
  EXPECT_EQ(CountPhrase("дом", "домой дом"), 1);
}

}  // namespace
}  // namespace grpo
