#include "reward/instructions/capital_words.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(CapitalWordsTest, CountsWordsWithoutLowerCase) {
  EXPECT_EQ(CountCapitalWords(""), 0);
  EXPECT_EQ(CountCapitalWords("I saw NASA and ESA in 2024"), 3);
  EXPECT_EQ(CountCapitalWords("NASAs Nasa nasa 42 --"), 0);
  EXPECT_EQ(CountCapitalWords("ÄÖÜ Σ ß"), 2);
}

TEST(CapitalWordsTest, KeepsHyphensSlashesAndInnerStops) {
  EXPECT_EQ(CountCapitalWords("WELL-KNOWN A/B U.S.A. 3D"), 4);
}

TEST(CapitalWordsTest, CutsAtPunctuation) {
  EXPECT_EQ(CountCapitalWords("(A)B[C] \"D\",E: F;G!H?I#J"), 10);
  EXPECT_EQ(CountCapitalWords("A...B--C**D**"), 4);
  EXPECT_EQ(CountCapitalWords("A,1 B:C"), 3);  // a comma before a digit stays in its word
}

TEST(CapitalWordsTest, CutsClitics) {
  EXPECT_EQ(CountCapitalWords("DON'T I'M YOU'LL CANNOT"), 8);
  EXPECT_EQ(CountCapitalWords("NASA's"), 1);
}

}  // namespace
}  // namespace grpo
