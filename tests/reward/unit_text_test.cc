#include "reward/unit_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(ParseUnitTest, TakesShortUnitsWithAndWithoutASpace) {
  EXPECT_EQ(ParseUnit("cm").value_or("none"), "cm");
  EXPECT_EQ(ParseUnit(" cm").value_or("none"), "cm");
  EXPECT_EQ(ParseUnit("m/s^2").value_or("none"), "m/s^2");
}

TEST(ParseUnitTest, TakesWordsBehindASpaceOnly) {
  EXPECT_EQ(ParseUnit(" apples").value_or("none"), "apples");
  EXPECT_EQ(ParseUnit("apples").value_or("none"), "none");
  EXPECT_EQ(ParseUnit(" square feet").value_or("none"), "square feet");
}

TEST(ParseUnitTest, TakesNothingThatChangesTheValue) {
  for (const char* text :
       {"", " ", "x", " y", " Million", " pi", " and more", " or", "/2", " ( )", "^2", " per hour",
        " km//h", " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}) {
    EXPECT_EQ(ParseUnit(text).value_or("none"), "none") << text;
  }
}

TEST(IsPercentTest, KnowsTheSignAndTheWord) {
  EXPECT_TRUE(IsPercent("%"));
  EXPECT_TRUE(IsPercent(" \\%"));
  EXPECT_TRUE(IsPercent(" Percent"));
  EXPECT_FALSE(IsPercent(" percentage points"));
}

}  // namespace
}  // namespace grpo
