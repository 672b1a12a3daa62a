#include "policy/fp8_blocks.h"

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// By the definition: sign, four bits of exponent with bias 7, three of fraction, no infinities.
double ByDefinition(int code) {
  const int exponent = code / 8 % 16, fraction = code % 8;
  const double magnitude = exponent == 0 ? fraction / 8.0 * std::pow(2.0, -6)
                                         : (1 + fraction / 8.0) * std::pow(2.0, exponent - 7);
  return code < 128 ? magnitude : -magnitude;
}

TEST(Fp8BlocksTest, EveryCodeStandsForItsNumber) {
  for (int code = 0; code < 256; ++code) {
    const float value = Fp8E4m3ToFloat(static_cast<uint8_t>(code));
    if (code % 128 == 127) {
      EXPECT_TRUE(std::isnan(value)) << code;
      continue;
    }
    EXPECT_EQ(value, ByDefinition(code)) << code;
    EXPECT_EQ(std::signbit(value), code >= 128) << code;
  }
  EXPECT_EQ(Fp8E4m3ToFloat(0x7e), 448.0f);
  EXPECT_EQ(Fp8E4m3ToFloat(0x01), 0x1p-9f);
}

absl::Span<const char> Bytes(const std::vector<float>& floats) {
  return {reinterpret_cast<const char*>(floats.data()), floats.size() * sizeof(float)};
}

TEST(Fp8BlocksTest, EachBlockHasItsScaleAndTheLastOnesAreCutOff) {
  const std::string codes(3 * 5, 0x38);  // ones
  const std::vector<float> scales = {1, 2, 3, 4, 5, 6};
  std::vector<float> out(15);
  ASSERT_TRUE(DequantizeFp8({3, 5, 2, 2, codes, Bytes(scales)}, absl::MakeSpan(out)).ok());
  EXPECT_THAT(out, ElementsAre(1, 1, 2, 2, 3, 1, 1, 2, 2, 3, 4, 4, 5, 5, 6));
}

TEST(Fp8BlocksTest, TheProductIsRoundedOnce) {
  const std::string codes(1, 0x3d);  // 1.625
  const std::vector<float> scales = {0.1f};
  std::vector<float> out(1);
  ASSERT_TRUE(DequantizeFp8({1, 1, 128, 128, codes, Bytes(scales)}, absl::MakeSpan(out)).ok());
  EXPECT_EQ(out[0], 1.625f * 0.1f);
}

TEST(Fp8BlocksTest, WhatIsNoNumberIsRefusedWithItsPlace) {
  std::string codes(6, 0x38);
  const std::vector<float> scales = {1};
  std::vector<float> out(6);
  for (const char nan : {'\x7f', '\xff'}) {
    codes[4] = nan;
    EXPECT_THAT(
        std::string(
            DequantizeFp8({2, 3, 128, 128, codes, Bytes(scales)}, absl::MakeSpan(out)).message()),
        HasSubstr("the FP8 code in row 1, column 1 is NaN"));
  }
}

TEST(Fp8BlocksTest, SizesThatContradictOneAnotherAreRefused) {
  const std::string codes(6, 0x38);
  const std::vector<float> scales = {1, 2};
  std::vector<float> out(6);
  EXPECT_THAT(
      std::string(
          DequantizeFp8({2, 3, 128, 128, codes, Bytes(scales)}, absl::MakeSpan(out)).message()),
      HasSubstr("need 1 scales, found 6 codes and 2 scales"));
}

}  // namespace
}  // namespace grpo
