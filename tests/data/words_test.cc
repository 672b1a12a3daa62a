#include "data/words.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

TEST(SplitWordsTest, LettersAndDigitsAreWordsAndAllElsePartsThem) {
  EXPECT_THAT(SplitWords("Don't  \\(x^2\\)\nABC_12."),
              ElementsAre("don", "t", "x", "2", "abc", "12"));
  EXPECT_THAT(SplitWords(" .,\n"), IsEmpty());
  EXPECT_THAT(SplitWords(""), IsEmpty());
}

TEST(SplitWordsTest, SmallLettersOfOtherAlphabetsAndCharactersByThemselves) {
  EXPECT_THAT(SplitWords("ÀÉ Ünïversal ПРИВЕТ"), ElementsAre("àé", "ünïversal", "привет"));
  EXPECT_THAT(SplitWords("求x的值"), ElementsAre("求", "x", "的", "值"));
}

TEST(SplitWordsTest, BytesThatAreNoUtf8PartWords) {
  EXPECT_THAT(SplitWords("ab\xff"
                         "cd\xe6\xb1"),
              ElementsAre("ab", "cd"));
}

}  // namespace
}  // namespace grpo
