#include "reward/rational.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(RationalTest, CalculatesExactly) {
  const Rational third = Rational(1) / Rational(3);
  EXPECT_EQ((third + third + third).ToString(), "1");
  EXPECT_EQ((third * Rational(6) - Rational(5)).ToString(), "-3");
  EXPECT_EQ((-third).Absolute().ToString(), "1/3");
  EXPECT_TRUE(-third <= third);
  EXPECT_TRUE((third - third).IsZero());
}

TEST(RationalTest, IsExactForDoubles) {
  EXPECT_EQ(Rational::FromDouble(0.375).ToString(), "3/8");
  EXPECT_EQ(Rational::FromDouble(-1e20).ToString(), "-100000000000000000000");
  EXPECT_TRUE(Rational::FromDouble(0.1) != Rational(1) / Rational(10));
  EXPECT_TRUE(Rational::FromDouble(0).IsZero());
}

TEST(RationalTest, KeepsItsValueWhenCopiedAndMoved) {
  Rational a = Rational::FromDigits("123456789012345678901234567890");
  Rational b = a;
  const Rational moved = std::move(a);
  EXPECT_EQ(b, moved);
  b = Rational(7);
  EXPECT_EQ(b.ToString(), "7");
  EXPECT_EQ(moved.ToString(), "123456789012345678901234567890");
}

TEST(RationalTest, ShortensLongNumbersForPeople) {
  EXPECT_LT(Rational::PowerOfTen(500).ToString().size(), 80u);
}

}  // namespace
}  // namespace grpo
