#include "reward/style/script.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(ScriptTest, KnowsTheScriptsOfLetters) {
  EXPECT_EQ(ScriptOf(U'a'), Script::kLatin);
  EXPECT_EQ(ScriptOf(U'ß'), Script::kLatin);
  EXPECT_EQ(ScriptOf(U'ệ'), Script::kLatin);
  EXPECT_EQ(ScriptOf(U'λ'), Script::kGreek);
  EXPECT_EQ(ScriptOf(U'ж'), Script::kCyrillic);
  EXPECT_EQ(ScriptOf(U'ש'), Script::kHebrew);
  EXPECT_EQ(ScriptOf(U'ع'), Script::kArabic);
  EXPECT_EQ(ScriptOf(U'न'), Script::kDevanagari);
  EXPECT_EQ(ScriptOf(U'ಕ'), Script::kKannada);
  EXPECT_EQ(ScriptOf(U'ก'), Script::kThai);
  EXPECT_EQ(ScriptOf(U'한'), Script::kHangul);
  EXPECT_EQ(ScriptOf(U'カ'), Script::kKana);
  EXPECT_EQ(ScriptOf(U'漢'), Script::kHan);
  EXPECT_EQ(ScriptOf(U'\U00020000'), Script::kHan);
  EXPECT_EQ(ScriptOf(U'\U00010480'), Script::kOther);  // Osmanya
}

TEST(ScriptTest, HistogramCountsLettersOnly) {
  const ScriptHistogram letters("abc, 123 жд! \u0301漢");
  EXPECT_EQ(letters.total(), 6);
  EXPECT_EQ(letters[Script::kLatin], 3);
  EXPECT_EQ(letters[Script::kCyrillic], 2);
  EXPECT_EQ(letters[Script::kHan], 1);
}

}  // namespace
}  // namespace grpo
