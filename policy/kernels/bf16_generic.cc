// The products on any processor: A rounded, B widened, fused multiply-adds in float in ascending k.
// CMake compiles this file once for each instruction set, as it does kernels.cc.
#include "policy/kernels/bf16_attention_blocks.h"
#include "policy/kernels/bf16_blocks.h"

#define GRPO_STRINGIFY(name) #name
#define GRPO_NAME(name) GRPO_STRINGIFY(name)

namespace grpo {
namespace GRPO_ISA {
namespace {

inline float RoundToBf16(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  const uint32_t rounded = bits + 0x7fff + (bits >> 16 & 1);  // to nearest, ties to even
  const bool nan = (bits & 0x7fffffff) > 0x7f800000;
  bits = (nan ? bits | 0x400000 : rounded) & 0xffff0000;
  std::memcpy(&value, &bits, sizeof(bits));
  return value;
}

struct GenericLevel {
  using Element = float;
  static constexpr int kMaxTileRows = GRPO_VECTOR_BYTES == 64 ? 12 : 6;
  static constexpr int kBlockTiles = 1;

  static void Convert(const float* from, int count, float* to) {
    if (count == kStep) {
      for (int k = 0; k < kStep; ++k) to[k] = RoundToBf16(from[k]);
      return;
    }
    for (int k = 0; k < count; ++k) to[k] = RoundToBf16(from[k]);
    std::fill_n(to + count, kStep - count, 0.0f);
  }

  static void Round(const float* from, int count, BFloat16* to) {
    float rounded[kStep];
    Convert(from, count, rounded);
    uint32_t bits[kStep];
    std::memcpy(bits, rounded, sizeof(bits));
    for (int k = 0; k < kStep; ++k) to[k].bits = static_cast<uint16_t>(bits[k] >> 16);
  }

  static void StoreApart(const BFloat16* from, BFloat16* to) {
    for (int j = 0; j < kWidth; ++j) to[2 * j] = from[j];
  }

  static void Begin(int /*tile_rows*/) {}

  template <typename AnyBlock>
  static void MultiplyBlock(int /*tiles*/, const AnyBlock& block) {
    MultiplyRows<kMaxTileRows>(block);
  }

 private:
  using Floats = VectorOf<float>::Type;
  using Pairs = VectorOf<Pair>::Type;
  static constexpr int kLanes = VectorOf<float>::kLanes, kVectors = 2;

  template <int kRows, typename AnyBlock>
  static void MultiplyRows(const AnyBlock& block) {
    if (block.tile_rows == kRows) {
      for (int j = 0; j < kWidth; j += kLanes * kVectors) MultiplyColumns<kRows>(j, block);
    } else if constexpr (kRows > 1) {
      MultiplyRows<kRows - 1>(block);
    }
  }

  // The loops over `sum` are unrolled, all of them: otherwise it lives in memory, not in registers.
  template <int kRows, typename AnyBlock>
  static void MultiplyColumns(int column, const AnyBlock& block) {
    Floats sum[kRows][kVectors];
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        sum[i][v] = block.load_c ? Load(block.c + i * block.ldc + column + v * kLanes) : Floats{};
      }
    }
    for (int step = 0; step < block.steps; ++step) {
      if (column == 0) block.b.Fetch(step);
      AddStep<kRows>(block.a + int64_t{step} * kRows * kStep, block.b.At(step) + 2 * column, sum);
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        Store(block.c + i * block.ldc + column + v * kLanes, sum[i][v]);
      }
    }
  }

  template <int kRows>
  [[gnu::always_inline]] static void AddStep(const float* a, const BFloat16* b,
                                             Floats (&sum)[kRows][kVectors]) {
    for (int p = 0; p < kPairs; ++p) {
      Floats first[kVectors], second[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        Pairs pairs;
        std::memcpy(&pairs, b + p * 2 * kWidth + v * 2 * kLanes, sizeof(pairs));
        first[v] = reinterpret_cast<Floats>(pairs << 16);
        second[v] = reinterpret_cast<Floats>(pairs & 0xffff0000);
      }
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        const float* a_pair = a + i * kStep + 2 * p;
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          sum[i][v] = MultiplyAdd<float>(a_pair[0], first[v], sum[i][v]);
          sum[i][v] = MultiplyAdd<float>(a_pair[1], second[v], sum[i][v]);
        }
      }
    }
  }
};

}  // namespace

const Bf16Products& GenericBf16Products() {
  static constexpr Bf16Products kProducts =
      ProductsOf<GenericLevel>("generic_" GRPO_NAME(GRPO_ISA));
  return kProducts;
}

const Bf16Attention& GenericBf16Attention() {
  static constexpr Bf16Attention kAttention =
      AttentionOf<GenericLevel>("generic_" GRPO_NAME(GRPO_ISA));
  return kAttention;
}

}  // namespace GRPO_ISA
}  // namespace grpo
