#include "policy/kernels/bf16_products.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <immintrin.h>

#include "tests/policy/random_floats.h"

namespace grpo {
namespace {

using BFloats = std::vector<BFloat16>;

BFloats RandomBFloats(int64_t count, int seed) {
  BFloats values;
  for (const float value : RandomFloats(count, seed)) values.push_back(Round(value));
  return values;
}

struct Shape {
  int m, n, k;
};

std::string Describe(const Bf16Products& level, const Shape& shape) {
  return std::string(level.name) + ", m " + std::to_string(shape.m) + ", n " +
         std::to_string(shape.n) + ", k " + std::to_string(shape.k);
}

// The tiny, the whole, the ragged, and the deep: two stretches of depth, groups of panels.
const Shape kShapes[] = {{1, 1, 1},    {1, 16, 16},    {64, 32, 16},    {2, 31, 33},
                         {7, 33, 31},  {16, 64, 64},   {17, 100, 95},   {32, 96, 128},
                         {33, 40, 97}, {48, 64, 200},  {12, 32, 4096},  {13, 50, 5000},
                         {70, 72, 72}, {129, 160, 96}, {100, 130, 4200}};

template <typename T>
std::vector<T> Transposed(int rows, int columns, const std::vector<T>& matrix) {
  std::vector<T> transposed(matrix.size());
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) transposed[j * rows + i] = matrix[i * columns + j];
  }
  return transposed;
}

BFloats Packed(const Bf16Products& level, int n, int k, const BFloats& b) {
  BFloats packed(Bf16PackedSize(n, k), BFloat16{0xffff});
  level.pack(n, k, b.data(), n, 1, packed.data());
  return packed;
}

// A [m, k] and B [k, n], rows contiguous.
Floats Product(const Bf16Products& level, const Shape& shape, const Floats& a, const BFloats& b) {
  const auto [m, n, k] = shape;
  const BFloats packed = Packed(level, n, k, b);
  Floats c(int64_t{m} * n, std::numeric_limits<float>::quiet_NaN());
  level.gemm_packed(m, n, k, a.data(), k, 1, packed.data(), c.data(), n, false, nullptr);
  return c;
}

bool SameBits(const Floats& a, const Floats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}

bool SameBits(const BFloats& a, const BFloats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](BFloat16 x, BFloat16 y) { return x.bits == y.bits; });
}

class Bf16ProductsTest : public testing::TestWithParam<const Bf16Products*> {
 protected:
  const Bf16Products& level() const { return *GetParam(); }
};

// Products of bfloat16 numbers are exact, so only the sums round: within k units of the sum of the
// magnitudes at worst, and in practice within its square root.
TEST_P(Bf16ProductsTest, ProductsAreThoseOfTheRoundedFactors) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(Describe(level(), shape));
    const auto [m, n, k] = shape;
    const Floats a = RandomFloats(int64_t{m} * k, 1);
    const BFloats b = RandomBFloats(int64_t{k} * n, 2);
    const Floats c = Product(level(), shape, a, b);
    const double unit = std::numeric_limits<float>::epsilon() / 2 * (2 + std::sqrt(k));
    for (int i = 0; i < m; ++i) {
      for (int j = 0; j < n; ++j) {
        double sum = 0, magnitude = 0;
        for (int p = 0; p < k; ++p) {
          const double term = double{Round(a[i * k + p])} * double{b[p * n + j]};
          sum += term;
          magnitude += std::abs(term);
        }
        ASSERT_NEAR(c[i * n + j], sum, unit * magnitude) << i << ", " << j;
      }
    }
  }
}

TEST_P(Bf16ProductsTest, RoundsTiesToTheEvenNeighbour) {
  const Floats a = {1 + 0x1p-8f, 1 + 3 * 0x1p-8f, 1 + 0x1p-8f + 0x1p-23f, -(1 + 0x1p-8f)};
  const Floats c = Product(level(), {4, 1, 1}, a, {Round(1)});
  EXPECT_EQ(c, (Floats{1, 1 + 0x1p-6f, 1 + 0x1p-7f, -1}));
}

TEST_P(Bf16ProductsTest, GivesTheSameBitsWhateverIsReadNext) {
  for (int m : {1, 20, 40, 150}) {
    const int n = 100, k = 96;
    const Floats a = RandomFloats(m * k, 3);
    const BFloats b = RandomBFloats(k * n, 4), packed = Packed(level(), n, k, b);
    Floats c(m * n);
    level().gemm_packed(m, n, k, a.data(), k, 1, packed.data(), c.data(), n, false,
                        packed.data() + packed.size());
    EXPECT_TRUE(SameBits(c, Product(level(), {m, n, k}, a, b))) << m;
  }
}

TEST_P(Bf16ProductsTest, ARowsBitsDoNotDependOnTheOtherRows) {
  for (const auto& [n, k] : {std::pair(40, 72), std::pair(32, 130)}) {
    const Floats a = RandomFloats(70 * k, 3);
    const BFloats b = RandomBFloats(k * n, 4), packed = Packed(level(), n, k, b);
    Floats alone(70 * n);
    for (int i = 0; i < 70; ++i) {
      level().gemm_packed(1, n, k, &a[i * k], k, 1, packed.data(), &alone[i * n], n, false,
                          nullptr);
    }
    for (int m = 1; m <= 70; ++m) {
      const Floats together = Product(level(), {m, n, k}, a, b);
      ASSERT_TRUE(SameBits(together, Floats(alone.begin(), alone.begin() + m * n))) << m;
    }
  }
}

TEST_P(Bf16ProductsTest, ARowsBitsDoNotDependOnTheOtherRowsOfALargeProduct) {
  const Shape shape = {2100, 70, 4200};  // more rows and depth than are converted at a time
  const Floats a = RandomFloats(int64_t{shape.m} * shape.k, 5);
  const BFloats b = RandomBFloats(int64_t{shape.k} * shape.n, 6);
  const Floats together = Product(level(), shape, a, b);
  for (const int i : {0, 1, 31, 32, 1000, 2047, 2048, 2099}) {
    const Floats row(a.begin() + int64_t{i} * shape.k, a.begin() + int64_t{i + 1} * shape.k);
    const auto begin = together.begin() + i * shape.n;
    EXPECT_TRUE(
        SameBits(Product(level(), {1, shape.n, shape.k}, row, b), Floats(begin, begin + shape.n)))
        << i;
  }
}

TEST_P(Bf16ProductsTest, AColumnsBitsDoNotDependOnTheOtherColumns) {
  const int m = 19, n = 70, k = 75;
  const Floats a = RandomFloats(m * k, 7);
  const BFloats b = RandomBFloats(k * n, 8);
  const Floats together = Product(level(), {m, n, k}, a, b);
  for (int j = 0; j < n; ++j) {
    BFloats column;
    Floats expected;
    for (int p = 0; p < k; ++p) column.push_back(b[p * n + j]);
    for (int i = 0; i < m; ++i) expected.push_back(together[i * n + j]);
    EXPECT_TRUE(SameBits(Product(level(), {m, 1, k}, a, column), expected)) << j;
  }
}

TEST_P(Bf16ProductsTest, PackedBeforehandOrNotTheBitsAreTheSameAtAnyStrides) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(Describe(level(), shape));
    const auto [m, n, k] = shape;
    const Floats a = RandomFloats(int64_t{m} * k, 9), a_transposed = Transposed(m, k, a);
    const BFloats b = RandomBFloats(int64_t{k} * n, 10), b_transposed = Transposed(k, n, b);
    BFloats b_apart(3 * b.size());
    for (size_t i = 0; i < b.size(); ++i) b_apart[3 * i] = b[i];
    const Floats expected = Product(level(), shape, a, b);
    Floats c(expected.size());
    level().gemm(m, n, k, a.data(), k, 1, b.data(), n, 1, c.data(), n, false);
    EXPECT_TRUE(SameBits(c, expected)) << "rows of B contiguous";
    level().gemm(m, n, k, a.data(), k, 1, b_transposed.data(), 1, k, c.data(), n, false);
    EXPECT_TRUE(SameBits(c, expected)) << "columns of B contiguous";
    level().gemm(m, n, k, a.data(), k, 1, b_apart.data(), 3 * n, 3, c.data(), n, false);
    EXPECT_TRUE(SameBits(c, expected)) << "B not contiguous";
    level().gemm(m, n, k, a_transposed.data(), 1, m, b.data(), n, 1, c.data(), n, false);
    EXPECT_TRUE(SameBits(c, expected)) << "columns of A contiguous";
  }
}

TEST_P(Bf16ProductsTest, PackingIsTheDocumentedLayout) {
  for (const Shape& shape : kShapes) {
    const auto [m, n, k] = shape;
    const BFloats b = RandomBFloats(int64_t{k} * n, 11), transposed = Transposed(k, n, b);
    const int depth = (k + 31) / 32 * 32;
    BFloats expected(Bf16PackedSize(n, k), BFloat16{0});
    for (int j = 0; j < n; ++j) {
      for (int p = 0; p < k; ++p) {
        expected[j / 32 * 32 * depth + p / 2 * 64 + j % 32 * 2 + p % 2] = b[p * n + j];
      }
    }
    EXPECT_TRUE(SameBits(Packed(level(), n, k, b), expected));
    BFloats packed(expected.size());
    level().pack(n, k, transposed.data(), 1, k, packed.data());
    EXPECT_TRUE(SameBits(packed, expected));
  }
}

TEST_P(Bf16ProductsTest, AccumulatesOntoItsOwnElementOnly) {
  for (const Shape& shape : kShapes) {
    SCOPED_TRACE(Describe(level(), shape));
    const auto [m, n, k] = shape;
    const int ldc = n + 5;
    const Floats a = RandomFloats(int64_t{m} * k, 12);
    const BFloats b = RandomBFloats(int64_t{k} * n, 13), packed = Packed(level(), n, k, b);
    const Floats before = RandomFloats(int64_t{m} * ldc, 14),
                 product = Product(level(), shape, a, b);
    Floats together = before, alone = before;
    level().gemm_packed(m, n, k, a.data(), k, 1, packed.data(), together.data(), ldc, true,
                        nullptr);
    for (int i = 0; i < m; ++i) {
      level().gemm_packed(1, n, k, &a[i * k], k, 1, packed.data(), &alone[i * ldc], ldc, true,
                          nullptr);
      for (int j = 0; j < n; ++j) {
        const float expected = before[i * ldc + j] + product[i * n + j];
        ASSERT_NEAR(together[i * ldc + j], expected, 1e-5f * (1 + std::sqrt(k)));
      }
      for (int j = n; j < ldc; ++j) ASSERT_EQ(together[i * ldc + j], before[i * ldc + j]);
    }
    EXPECT_TRUE(SameBits(together, alone));
  }
}

TEST_P(Bf16ProductsTest, ColumnsSplitAtPanelBordersGiveTheSameBits) {
  const int m = 37, n = 150, k = 90;
  const Floats a = RandomFloats(m * k, 15);
  const BFloats b = RandomBFloats(k * n, 16), packed = Packed(level(), n, k, b);
  Floats split(m * n);
  const auto compute = [&](int begin, int end) {
    level().gemm_packed(m, end - begin, k, a.data(), k, 1, &packed[Bf16PackedSize(begin, k)],
                        &split[begin], n, false, nullptr);
  };
  std::thread other(compute, 96, n);
  compute(0, 96);
  other.join();
  EXPECT_TRUE(SameBits(split, Product(level(), {m, n, k}, a, b)));
}

TEST_P(Bf16ProductsTest, WhatIsNotANumberStaysInItsRow) {
  const int n = 50, k = 45;
  for (const float strange :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    for (const int m : {3, 20, 33}) {
      Floats a = RandomFloats(m * k, 17);
      const BFloats b = RandomBFloats(k * n, 18);
      Floats expected = Product(level(), {m, n, k}, a, b);
      a[2 * k + k - 1] = strange;
      Floats c = Product(level(), {m, n, k}, a, b);
      for (int j = 0; j < n; ++j) {
        EXPECT_FALSE(std::isfinite(c[2 * n + j]));
        c[2 * n + j] = expected[2 * n + j] = 0;
      }
      EXPECT_TRUE(SameBits(c, expected));
    }
  }
}

TEST_P(Bf16ProductsTest, OfNoDepthIsZeroOrWhatWasThere) {
  Floats c = {1, 2};
  level().gemm_packed(1, 2, 0, nullptr, 0, 1, nullptr, c.data(), 2, true, nullptr);
  EXPECT_EQ(c, (Floats{1, 2}));
  level().gemm(1, 2, 0, nullptr, 0, 1, nullptr, 2, 1, c.data(), 2, false);
  EXPECT_EQ(c, (Floats{0, 0}));
}

TEST_P(Bf16ProductsTest, CallsOfOtherShapesInBetweenLeaveTheBitsAsTheyAre) {
  const Shape shape = {21, 64, 64};
  const Floats a = RandomFloats(21 * 64, 19);
  const BFloats b = RandomBFloats(64 * 64, 20);
  const Floats expected = Product(level(), shape, a, b);
  for (const Bf16Products* other : AvailableBf16Products()) {
    Product(*other, {3, 64, 64}, a, b);
    EXPECT_TRUE(SameBits(Product(level(), shape, a, b), expected)) << other->name;
  }
}

// Tiles as another library might leave them: one row of four bytes each.
__attribute__((target("amx-tile"))) void ConfigureTilesOtherwise() {
  alignas(64) uint8_t configuration[64] = {1};
  for (int tile = 0; tile < 8; ++tile) {
    configuration[16 + 2 * tile] = 4;
    configuration[48 + tile] = 1;
  }
  asm volatile("" ::"r"(configuration) : "memory");
  _tile_loadconfig(configuration);
}

TEST_P(Bf16ProductsTest, TilesConfiguredByOthersChangeNothing) {
  if (std::string(level().name) != "amx") GTEST_SKIP() << "uses no tiles";
  const Shape shape = {40, 64, 64};
  const Floats a = RandomFloats(40 * 64, 21);
  const BFloats b = RandomBFloats(64 * 64, 22);
  const Floats expected = Product(level(), shape, a, b);
  ConfigureTilesOtherwise();
  EXPECT_TRUE(SameBits(Product(level(), shape, a, b), expected));
}

INSTANTIATE_TEST_SUITE_P(Levels, Bf16ProductsTest, testing::ValuesIn(AvailableBf16Products()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace grpo
