#include "reward/folded_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(FoldedTextTest, FoldsCaseWidthAndComposition) {
  EXPECT_EQ(FoldText("Abc DEF 12"), "abc def 12");
  EXPECT_EQ(FoldText("STRASSE Straße"), "strasse strasse");
  EXPECT_EQ(FoldText("ＡＢＣ１２"), "abc12");
  EXPECT_EQ(FoldText("Cafe\u0301"), "caf\u00E9");
  EXPECT_EQ(FoldText("ÉTÉ"), "été");
  EXPECT_EQ(FoldText("can\u2019t"), "can't");
}

TEST(FoldedTextTest, DropsInvisibleCharacters) {
  EXPECT_EQ(FoldText("bo\u200Bmb s\u00ADecret"), "bomb secret");
}

TEST(FoldedTextTest, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(FoldText("a\xFFz"), "a\uFFFDz");
  EXPECT_EQ(FoldText(std::string("a\0B", 3)), std::string("a\0b", 3));
}

TEST(FoldedTextTest, LowersEachCharacter) {
  EXPECT_EQ(LowerText("ÀB c1"), "àb c1");
  EXPECT_EQ(LowerText("ß"), "ß");
}

}  // namespace
}  // namespace grpo
