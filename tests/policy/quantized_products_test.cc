// Products with matrices in blocks of few bits against the float products of the same instruction
// set, bit for bit; what packs exactly and what does not.
#include "policy/kernels/quantized_products.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "policy/quantized_blocks.h"
#include "tests/policy/random_floats.h"

namespace grpo {
namespace {

using enum QuantizedFormat;

constexpr QuantizedFormat kFormats[] = {kInt4, kInt4WithMinimum, kInt8};

// What a GGUF file's random blocks of this type are, scales of either sign among them. As in such
// a file, each block has the quants that its extremes were taken to.
Floats FromFile(const char* type, int64_t count, int seed) {
  const BlockFormat& format = *FindBlockFormat(type);
  const std::string name = type;
  std::mt19937 generator(seed);
  std::uniform_real_distribution<float> scales(0.001f, 0.02f);
  std::string bytes;
  const auto add_half = [&](float value) {
    const uint16_t half = FloatToHalf(value);
    bytes.push_back(static_cast<char>(half & 0xff));
    bytes.push_back(static_cast<char>(half >> 8));
  };
  for (int64_t i = 0; i < count / 32; ++i) {
    const bool negative = generator() % 2 == 0 && (name == "Q4_0" || name == "Q5_0");
    add_half(negative ? -scales(generator) : scales(generator));
    if (name == "Q4_1") add_half(-8 * scales(generator));
    const size_t quants = bytes.size();
    while (bytes.size() % format.bytes != 0) bytes.push_back(static_cast<char>(generator()));
    if (name == "Q4_0") bytes[quants + 3] &= 0x0f;
    if (name == "Q4_1") bytes[quants + 3] = '\xf0';
    if (name == "Q5_0") {
      bytes[quants] &= ~1;
      bytes[quants + 4] &= ~0x0f;
    }
    if (name == "Q8_0") {
      std::replace(bytes.begin() + quants, bytes.end(), '\x80', '\x00');
      bytes[quants + 7] = generator() % 2 == 0 ? 127 : -127;
    }
  }
  Floats values(count);
  EXPECT_TRUE(Dequantize(format, bytes, absl::MakeSpan(values)).ok());
  return values;
}

const char* TypeOf(QuantizedFormat format) {
  return format == kInt4 ? "Q4_0" : format == kInt4WithMinimum ? "Q4_1" : "Q8_0";
}

bool SameBits(const Floats& a, const Floats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}

class QuantizedProductsTest : public testing::TestWithParam<const QuantizedProducts*> {
 protected:
  const QuantizedProducts& level() const { return *GetParam(); }
  const Kernels<float>& floats() const { return *level().floats; }

  std::vector<uint8_t> Memory(QuantizedFormat format, int n, int k) const {
    return std::vector<uint8_t>(level().PackedSize(format, n, k), 0xff);
  }

  // Of weights [n, k]: B is their transpose.
  std::vector<uint8_t> Packed(QuantizedFormat format, int n, int k, const Floats& weights) const {
    std::vector<uint8_t> packed = Memory(format, n, k);
    EXPECT_TRUE(level().pack_exactly(format, n, k, weights.data(), 1, k, packed.data()));
    return packed;
  }

  bool PacksExactly(QuantizedFormat format, int n, int k, const Floats& weights) const {
    std::vector<uint8_t> packed = Memory(format, n, k);
    return level().pack_exactly(format, n, k, weights.data(), 1, k, packed.data());
  }

  // The weights [n, k] that were packed.
  Floats Unpacked(QuantizedFormat format, int n, int k, const std::vector<uint8_t>& packed) const {
    const int width = level().panel_width;
    Floats panels(int64_t{n + width} * k), weights(n * k);
    level().unpack(format, n, k, packed.data(), panels.data());
    for (int j = 0; j < n; ++j) {
      for (int i = 0; i < k; ++i) {
        weights[j * k + i] = panels[(int64_t{j} / width * k + i) * width + j % width];
      }
    }
    return weights;
  }

  Floats Product(QuantizedFormat format, int m, int n, int k, const Floats& a,
                 const std::vector<uint8_t>& packed) const {
    Floats c(int64_t{m} * n, std::numeric_limits<float>::quiet_NaN());
    level().gemm_packed(format, m, n, k, a.data(), k, packed.data(), c.data(), n);
    return c;
  }
};

TEST_P(QuantizedProductsTest, GiveTheBitsOfTheFloatProductsWithTheSameWeights) {
  for (const QuantizedFormat format : kFormats) {
    for (const auto& [n, k] : {std::pair(1, 32), {7, 64}, {33, 96}, {75, 544}, {64, 288}}) {
      const Floats weights = FromFile(TypeOf(format), int64_t{n} * k, n);
      const std::vector<uint8_t> packed = Packed(format, n, k, weights);
      for (int m = 1; m <= 20; ++m) {
        const Floats a = RandomFloats(int64_t{m} * k, m);
        Floats expected(int64_t{m} * n);
        floats().gemm(m, n, k, a.data(), k, 1, weights.data(), 1, k, expected.data(), n, false);
        ASSERT_TRUE(SameBits(Product(format, m, n, k, a, packed), expected))
            << TypeOf(format) << ", m " << m << ", n " << n << ", k " << k;
      }
    }
  }
}

TEST_P(QuantizedProductsTest, RowsMayLieApart) {
  const int n = 40, k = 64, a_row = 70, ldc = 45;
  const std::vector<uint8_t> packed = Packed(kInt4, n, k, FromFile("Q4_0", n * k, 1));
  for (const int m : {3, 30}) {
    const Floats a = RandomFloats(m * a_row, 2);
    Floats together;
    for (int i = 0; i < m; ++i) {
      together.insert(together.end(), a.begin() + i * a_row, a.begin() + i * a_row + k);
    }
    const Floats expected = Product(kInt4, m, n, k, together, packed);
    Floats c(m * ldc, 7);
    level().gemm_packed(kInt4, m, n, k, a.data(), a_row, packed.data(), c.data(), ldc);
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < ldc; ++j) ASSERT_EQ(c[i * ldc + j], j < n ? expected[i * n + j] : 7);
    }
  }
}

TEST_P(QuantizedProductsTest, ColumnsSplitAtPanelBordersGiveTheSameBits) {
  const int n = 150, k = 96;
  for (const QuantizedFormat format : kFormats) {
    const std::vector<uint8_t> packed =
        Packed(format, n, k, FromFile(TypeOf(format), int64_t{n} * k, 3));
    for (const int m : {1, 5, 17}) {
      const Floats a = RandomFloats(int64_t{m} * k, 4);
      Floats split(m * n);
      const auto compute = [&](int begin, int end) {
        level().gemm_packed(format, m, end - begin, k, a.data(), k,
                            packed.data() + level().PackedSize(format, begin, k), &split[begin], n);
      };
      std::thread other(compute, 96, n);
      compute(0, 96);
      other.join();
      EXPECT_TRUE(SameBits(split, Product(format, m, n, k, a, packed)));
    }
  }
}

TEST_P(QuantizedProductsTest, BlocksOutOfGgufFilesPackExactly) {
  const int n = 37, k = 160;
  for (const auto& [type, format] :
       {std::pair("Q4_0", kInt4), {"Q4_1", kInt4WithMinimum}, {"Q8_0", kInt8}, {"Q5_0", kInt8}}) {
    const Floats weights = FromFile(type, n * k, 5);
    const std::vector<uint8_t> packed = Packed(format, n, k, weights);
    EXPECT_TRUE(SameBits(Unpacked(format, n, k, packed), weights)) << type;
  }
}

TEST_P(QuantizedProductsTest, ANegativeScalesZeroesKeepTheirSign) {
  Floats block(32);
  for (int i = 0; i < 32; ++i) block[i] = -0.25f * static_cast<float>(i % 16 - 8);
  ASSERT_TRUE(std::signbit(block[8]) && block[8] == 0);
  for (const QuantizedFormat format : {kInt4, kInt8}) {
    const std::vector<uint8_t> packed = Packed(format, 1, 32, block);
    EXPECT_TRUE(SameBits(Unpacked(format, 1, 32, packed), block));
  }
  block[8] = 0;  // while the other stays negative
  for (const QuantizedFormat format : kFormats) EXPECT_FALSE(PacksExactly(format, 1, 32, block));
}

TEST_P(QuantizedProductsTest, ExtremesNeedNotHaveTheLastQuants) {
  Floats block(32);
  for (int i = 0; i < 32; ++i) block[i] = 0.3125f * static_cast<float>(i % 9 + 3) - 1.75f;
  EXPECT_TRUE(PacksExactly(kInt4WithMinimum, 1, 32, block));
  for (int i = 0; i < 32; ++i) block[i] = 0.3125f * static_cast<float>(i % 9 - 3);
  EXPECT_TRUE(PacksExactly(kInt4, 1, 32, block));
}

TEST_P(QuantizedProductsTest, ConstantBlocksPackExactly) {
  for (const float value : {0.0f, -0.0f, 0.375f, -0.375f}) {
    EXPECT_TRUE(PacksExactly(kInt4, 2, 32, Floats(64, value))) << value;
    EXPECT_TRUE(PacksExactly(kInt8, 2, 32, Floats(64, value))) << value;
    const bool representable = value != 0 || !std::signbit(value);
    EXPECT_EQ(PacksExactly(kInt4WithMinimum, 2, 32, Floats(64, value)), representable) << value;
  }
}

TEST_P(QuantizedProductsTest, OrdinaryWeightsDoNotPackExactly) {
  for (const QuantizedFormat format : kFormats) {
    EXPECT_FALSE(PacksExactly(format, 20, 64, RandomFloats(20 * 64, 6)));
    EXPECT_FALSE(level().is_exact(format, RandomFloats(32, 7).data()));
  }
}

TEST_P(QuantizedProductsTest, OneUnitInTheLastPlaceIsNoticedWhereverItIs) {
  const int n = 35, k = 64;
  for (const QuantizedFormat format : kFormats) {
    const Floats weights = FromFile(TypeOf(format), n * k, 8);
    for (int at = 0; at < n * k; ++at) {
      Floats changed = weights;
      changed[at] = std::nextafter(changed[at], 9.0f);
      ASSERT_FALSE(PacksExactly(format, n, k, changed)) << TypeOf(format) << " at " << at;
    }
  }
}

TEST_P(QuantizedProductsTest, WhatIsNotFiniteDoesNotPack) {
  const int n = 3, k = 64;
  const float infinity = std::numeric_limits<float>::infinity();
  for (const float strange : {std::numeric_limits<float>::quiet_NaN(), infinity, -infinity}) {
    for (const QuantizedFormat format : kFormats) {
      EXPECT_FALSE(PacksExactly(format, n, k, Floats(n * k, strange)));
      for (int at = 0; at < n * k; ++at) {
        Floats weights = FromFile(TypeOf(format), n * k, 9);
        weights[at] = strange;
        ASSERT_FALSE(PacksExactly(format, n, k, weights));
        std::vector<uint8_t> packed = Memory(kInt8, n, k);
        ASSERT_FALSE(level().pack_rounded(n, k, weights.data(), 1, k, packed.data()));
      }
    }
  }
}

TEST_P(QuantizedProductsTest, AnyStridesPackAlike) {
  const int n = 21, k = 96;
  for (const QuantizedFormat format : kFormats) {
    const Floats weights = FromFile(TypeOf(format), n * k, 10);
    Floats transposed(n * k);
    for (int j = 0; j < n; ++j) {
      for (int i = 0; i < k; ++i) transposed[i * n + j] = weights[j * k + i];
    }
    std::vector<uint8_t> packed = Memory(format, n, k);
    EXPECT_TRUE(level().pack_exactly(format, n, k, transposed.data(), n, 1, packed.data()));
    EXPECT_EQ(packed, Packed(format, n, k, weights));
  }
}

TEST_P(QuantizedProductsTest, RoundedWeightsAreWithinHalfAStepAndMultiplyAsTheFloatsThatTheyAre) {
  const int n = 45, k = 320;
  Floats weights = RandomFloats(n * k, 11);
  std::fill_n(weights.begin(), 32, 0.0f);
  for (int i = 32; i < 64; ++i) weights[i] *= 1e-12f;  // below the least scale
  std::vector<uint8_t> packed = Memory(kInt8, n, k);
  ASSERT_TRUE(level().pack_rounded(n, k, weights.data(), 1, k, packed.data()));
  const Floats unpacked = Unpacked(kInt8, n, k, packed);
  for (int block = 0; block < n * k; block += 32) {
    float largest = 0;
    for (int i = block; i < block + 32; ++i) largest = std::max(largest, std::fabs(weights[i]));
    const float step = HalfToFloat(FloatToHalf(largest / 127));
    // The scale was rounded too: by up to 2^-11 of itself, 127 times.
    const float error = step * (0.5f + 127 * 0x1p-11f) + 1e-11f;
    for (int i = block; i < block + 32; ++i) ASSERT_NEAR(unpacked[i], weights[i], error);
  }
  for (const int m : {1, 3, 8, 20}) {
    const Floats a = RandomFloats(m * k, 12);
    Floats expected(m * n);
    floats().gemm(m, n, k, a.data(), k, 1, unpacked.data(), 1, k, expected.data(), n, false);
    EXPECT_TRUE(SameBits(Product(kInt8, m, n, k, a, packed), expected)) << m;
  }
}

TEST_P(QuantizedProductsTest, WeightsBeyondTheRangeOfScalesAreNotRounded) {
  Floats weights = RandomFloats(64, 13);
  weights[40] = 1e8f;
  std::vector<uint8_t> packed = Memory(kInt8, 2, 32);
  EXPECT_FALSE(level().pack_rounded(2, 32, weights.data(), 1, 32, packed.data()));
}

INSTANTIATE_TEST_SUITE_P(Levels, QuantizedProductsTest,
                         testing::ValuesIn(AvailableQuantizedProducts()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace grpo
