#include "policy/quantized_blocks.h"

#include <bit>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "data/file.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;

const BlockFormat& Format(absl::string_view name) { return *FindBlockFormat(name); }

// The golden file: floats are hexadecimal words, blocks hexadecimal bytes.
const nlohmann::json& Golden() {
  static const auto* const golden = new nlohmann::json(
      nlohmann::json::parse(*ReadFile(GRPO_SOURCE_DIR "/tests/golden/gguf_blocks.json")));
  return *golden;
}

std::vector<float> FloatsOf(const std::string& words) {
  std::vector<float> floats;
  for (size_t i = 0; i < words.size(); i += 8) {
    floats.push_back(
        std::bit_cast<float>(static_cast<uint32_t>(std::stoul(words.substr(i, 8), nullptr, 16))));
  }
  return floats;
}

std::string BytesOf(const nlohmann::json& hexadecimal) {
  return absl::HexStringToBytes(hexadecimal.get<std::string>());
}

class GoldenBlocksTest : public ::testing::TestWithParam<const char*> {};

TEST_P(GoldenBlocksTest, StandForTheFloatsOfTheReference) {
  const nlohmann::json& golden = Golden()["read"][GetParam()];
  const std::string blocks = BytesOf(golden["blocks"]);
  const std::vector<float> expected = FloatsOf(golden["floats"]);
  std::vector<float> found(expected.size());
  ASSERT_TRUE(Dequantize(Format(GetParam()), blocks, absl::MakeSpan(found)).ok());
  for (size_t i = 0; i < found.size(); ++i) {
    ASSERT_EQ(std::bit_cast<uint32_t>(found[i]), std::bit_cast<uint32_t>(expected[i]))
        << i << ": " << found[i] << " instead of " << expected[i];
  }
}

INSTANTIATE_TEST_SUITE_P(Types, GoldenBlocksTest,
                         ::testing::Values("F32", "F16", "BF16", "Q8_0", "Q4_0", "Q4_1", "Q5_0",
                                           "Q5_1", "Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"),
                         [](const auto& info) { return std::string(info.param); });

class WrittenBlocksTest : public ::testing::TestWithParam<const char*> {};

TEST_P(WrittenBlocksTest, AreTheBytesOfTheReference) {
  const nlohmann::json& golden = Golden()["write"][GetParam()];
  const std::vector<float> floats = FloatsOf(golden["floats"]);
  const std::string expected = BytesOf(golden["blocks"]);
  std::string found(expected.size(), '\0');
  ASSERT_TRUE(Quantize(Format(GetParam()), floats, absl::MakeSpan(found)).ok());
  EXPECT_EQ(absl::BytesToHexString(found), absl::BytesToHexString(expected));
}

INSTANTIATE_TEST_SUITE_P(Types, WrittenBlocksTest, ::testing::Values("F16", "BF16", "Q8_0"),
                         [](const auto& info) { return std::string(info.param); });

TEST(QuantizedBlocksTest, EveryHalfComesBackFromItsFloat) {
  for (uint32_t half = 0; half < 65536; ++half) {
    const float value = HalfToFloat(static_cast<uint16_t>(half));
    if (std::isnan(value)) {
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      EXPECT_EQ(FloatToHalf(value), half) << value;
    }
  }
  EXPECT_EQ(HalfToFloat(0x3c00), 1.0f);
  EXPECT_EQ(HalfToFloat(0x0001), 0x1p-24f);
  EXPECT_EQ(HalfToFloat(0x7bff), 65504.0f);
}

TEST(QuantizedBlocksTest, HalvesAndBfloat16RoundTiesToEven) {
  EXPECT_EQ(HalfToFloat(FloatToHalf(2049.0f)), 2048.0f);
  EXPECT_EQ(HalfToFloat(FloatToHalf(2051.0f)), 2052.0f);
  EXPECT_EQ(FloatToHalf(0x1p-25f), 0);       // half of the smallest step
  EXPECT_EQ(FloatToHalf(0x1.8p-24f), 2);     // one step and a half
  EXPECT_EQ(FloatToHalf(65520.0f), 0x7c00);  // the nearest is infinity
  EXPECT_EQ(FloatToBfloat16(1.00390625f), 0x3f80);
  EXPECT_EQ(FloatToBfloat16(1.01171875f), 0x3f82);
  const float nan = std::numeric_limits<float>::quiet_NaN();
  EXPECT_EQ(FloatToBfloat16(nan) & 0x7fff, 0x7fc0);
}

TEST(QuantizedBlocksTest, WhatATypeCannotSayIsRefused) {
  std::string out(64, '\0');
  const std::vector<float> large(32, 70000.0f);
  EXPECT_THAT(std::string(Quantize(Format("F16"), large, absl::MakeSpan(out)).message()),
              HasSubstr("70000 is beyond the range of F16"));
  out.resize(34);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf(""), 1e10f}) {
    std::vector<float> values(32, 1.0f);
    values[7] = bad;
    EXPECT_FALSE(Quantize(Format("Q8_0"), values, absl::MakeSpan(out)).ok()) << bad;
  }
  EXPECT_EQ(Quantize(Format("Q4_K"), std::vector<float>(256), absl::MakeSpan(out)).code(),
            absl::StatusCode::kInvalidArgument);  // the sizes do not fit
  std::string block(144, '\0');
  EXPECT_EQ(Quantize(Format("Q4_K"), std::vector<float>(256), absl::MakeSpan(block)).code(),
            absl::StatusCode::kUnimplemented);
}

TEST(QuantizedBlocksTest, ValuesTooSmallForAScaleBecomeZero) {
  const std::vector<float> tiny(32, 1e-44f);
  std::string out(34, '\x55');
  ASSERT_TRUE(Quantize(Format("Q8_0"), tiny, absl::MakeSpan(out)).ok());
  std::vector<float> back(32);
  ASSERT_TRUE(Dequantize(Format("Q8_0"), out, absl::MakeSpan(back)).ok());
  EXPECT_THAT(back, ::testing::Each(0.0f));
}

TEST(QuantizedBlocksTest, FormatsAreFoundByNameAndByNumber) {
  EXPECT_EQ(FindBlockFormat(12u), FindBlockFormat(absl::string_view("Q4_K")));
  EXPECT_EQ(FindBlockFormat(absl::string_view("Q4_K"))->bytes, 144);
  EXPECT_EQ(FindBlockFormat(4u), nullptr);
  EXPECT_EQ(FindBlockFormat(absl::string_view("Q4_2")), nullptr);
  EXPECT_FALSE(CanDequantize(Format("IQ1_M")));
  std::vector<float> out(256);
  EXPECT_THAT(
      std::string(Dequantize(Format("IQ1_M"), std::string(56, 'x'), absl::MakeSpan(out)).message()),
      HasSubstr("IQ1_M cannot be converted"));
  EXPECT_FALSE(Dequantize(Format("Q8_0"), std::string(33, 'x'), absl::MakeSpan(out)).ok());
}

}  // namespace
}  // namespace grpo
