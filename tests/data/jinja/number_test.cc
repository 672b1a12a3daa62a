#include "data/jinja/number.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo::jinja {
namespace {

constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr int64_t kMin = std::numeric_limits<int64_t>::min();

TEST(NumberTest, WritesFloatsWithTheFewestDigitsAsPythonDoes) {
  EXPECT_EQ(FloatText(0), "0.0");
  EXPECT_EQ(FloatText(-0.0), "-0.0");
  EXPECT_EQ(FloatText(1), "1.0");
  EXPECT_EQ(FloatText(0.1), "0.1");
  EXPECT_EQ(FloatText(0.1 + 0.2), "0.30000000000000004");
  EXPECT_EQ(FloatText(123456.75), "123456.75");
  EXPECT_EQ(FloatText(0.0001), "0.0001");
  EXPECT_EQ(FloatText(0.00001), "1e-05");
  EXPECT_EQ(FloatText(1e15), "1000000000000000.0");
  EXPECT_EQ(FloatText(1e16), "1e+16");
  EXPECT_EQ(FloatText(-1.5e300), "-1.5e+300");
  EXPECT_EQ(FloatText(5e-324), "5e-324");
  EXPECT_EQ(FloatText(INFINITY), "inf");
  EXPECT_EQ(FloatText(-INFINITY), "-inf");
  EXPECT_EQ(FloatText(NAN), "nan");
}

TEST(NumberTest, ReadsIntegersInEveryBase) {
  EXPECT_EQ(ParseInt(" -12 ", 10).value(), -12);
  EXPECT_EQ(ParseInt("1_000", 10).value(), 1000);
  EXPECT_EQ(ParseInt("0x1F", 16).value(), 31);
  EXPECT_EQ(ParseInt("1f", 16).value(), 31);
  EXPECT_EQ(ParseInt("0b101", 0).value(), 5);
  EXPECT_EQ(ParseInt("-9223372036854775808", 10).value(), kMin);
  for (const char* text : {"", "-", "1_", "_1", "1__0", "1.5", "x", "12a", "0x"}) {
    EXPECT_FALSE(ParseInt(text, 10)->has_value()) << text;
  }
  EXPECT_FALSE(ParseInt("012", 0)->has_value());
  EXPECT_FALSE(ParseInt("9223372036854775808", 10).ok());
  EXPECT_FALSE(ParseInt("-9223372036854775809", 10).ok());
}

TEST(NumberTest, ReadsFloats) {
  EXPECT_EQ(ParseFloat(" 1.5e3 "), 1500.0);
  EXPECT_EQ(ParseFloat(".5"), 0.5);
  EXPECT_EQ(ParseFloat("5."), 5.0);
  EXPECT_EQ(ParseFloat("-Infinity"), -INFINITY);
  EXPECT_TRUE(std::isnan(*ParseFloat("nan")));
  for (const char* text : {"", ".", "e3", "1e", "0x1p3", "1 2", "--1", "1__0"}) {
    EXPECT_FALSE(ParseFloat(text).has_value()) << text;
  }
}

TEST(NumberTest, RoundsDivisionTowardsMinusInfinity) {
  EXPECT_EQ(*FloorDivideInts(-7, 2), -4);
  EXPECT_EQ(*FloorDivideInts(7, -2), -4);
  EXPECT_EQ(*ModuloInts(-7, 3), 2);
  EXPECT_EQ(*ModuloInts(7, -3), -2);
  EXPECT_EQ(*ModuloInts(kMin, -1), 0);
  EXPECT_EQ(*FloorDivideFloats(-5.5, 2), -3.0);
  EXPECT_EQ(*ModuloFloats(-5.5, 2), 0.5);
  EXPECT_FALSE(FloorDivideInts(1, 0).ok());
  EXPECT_FALSE(ModuloFloats(1, 0).ok());
}

TEST(NumberTest, RefusesWhatDoesNotFit) {
  EXPECT_FALSE(AddInts(kMax, 1).ok());
  EXPECT_FALSE(SubtractInts(kMin, 1).ok());
  EXPECT_FALSE(MultiplyInts(kMax, 2).ok());
  EXPECT_FALSE(FloorDivideInts(kMin, -1).ok());
  EXPECT_FALSE(PowerInts(2, 63).ok());
  EXPECT_EQ(*PowerInts(-2, 63), kMin);
  EXPECT_EQ(*PowerInts(-1, kMax), -1);
  EXPECT_FALSE(PowerFloats(10, 400).ok());
  EXPECT_FALSE(PowerFloats(-8, 0.5).ok());
  EXPECT_FALSE(Truncate(1e19).ok());
  EXPECT_FALSE(Truncate(NAN).ok());
  EXPECT_EQ(*Truncate(-1.9), -1);
}

TEST(NumberTest, RoundsHalvesToTheEvenNeighbour) {
  EXPECT_EQ(*RoundFloat(2.5, 0), 2.0);
  EXPECT_EQ(*RoundFloat(3.5, 0), 4.0);
  EXPECT_EQ(*RoundFloat(2.675, 2), 2.67);
  EXPECT_EQ(*RoundFloat(1234.5678, -2), 1200.0);
  EXPECT_EQ(*RoundInt(15, -1), 20);
  EXPECT_EQ(*RoundInt(25, -1), 20);
  EXPECT_EQ(*RoundInt(-25, -1), -20);
  EXPECT_EQ(*RoundInt(kMin, -30), 0);
}

TEST(NumberTest, ComparesIntegersAndFloatsByTheirExactValue) {
  EXPECT_EQ(CompareIntToFloat(9007199254740993, 9007199254740992.0), 1);
  EXPECT_EQ(CompareIntToFloat(kMax, 9223372036854775808.0), -1);
  EXPECT_EQ(CompareIntToFloat(kMin, -9223372036854775808.0), 0);
  EXPECT_EQ(CompareIntToFloat(1, 1.5), -1);
  EXPECT_EQ(CompareIntToFloat(-1, -1.5), 1);
  EXPECT_FALSE(CompareIntToFloat(0, NAN).has_value());
}

}  // namespace
}  // namespace grpo::jinja
