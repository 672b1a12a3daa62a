// The products on AVX512-BF16: one instruction adds a pair of products to each of 16 sums.
#include "policy/kernels/bf16_attention_blocks.h"
#include "policy/kernels/bf16_convert.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

struct Avx512Level {
  using Element = BFloat16;
  static constexpr int kMaxTileRows = 12, kBlockTiles = 1;

  static void Convert(const float* from, int count, BFloat16* to) { RoundStep(from, count, to); }
  static void Round(const float* from, int count, BFloat16* to) { RoundStep(from, count, to); }
  static void StoreApart(const BFloat16* from, BFloat16* to) { StoreStepApart(from, to); }

  static void Begin(int /*tile_rows*/) {}

  template <typename AnyBlock>
  static void MultiplyBlock(int /*tiles*/, const AnyBlock& block) {
    MultiplyRows<kMaxTileRows>(block);
  }

 private:
  static constexpr int kLanes = 16, kVectors = kWidth / kLanes;

  template <int kRows, typename AnyBlock>
  static void MultiplyRows(const AnyBlock& block) {
    if (block.tile_rows == kRows) {
      MultiplyTile<kRows>(block);
    } else if constexpr (kRows > 1) {
      MultiplyRows<kRows - 1>(block);
    }
  }

  // The loops over `sum` are unrolled, all of them: otherwise it lives in memory, not in registers.
  template <int kRows, typename AnyBlock>
  static void MultiplyTile(const AnyBlock& block) {
    __m512 sum[kRows][kVectors];
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        sum[i][v] = block.load_c ? _mm512_loadu_ps(block.c + i * block.ldc + v * kLanes)
                                 : _mm512_setzero_ps();
      }
    }
    for (int step = 0; step < block.steps; ++step) {
      block.b.Fetch(step);
      AddStep<kRows>(block.a + int64_t{step} * kRows * kStep, block.b.At(step), sum);
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        _mm512_storeu_ps(block.c + i * block.ldc + v * kLanes, sum[i][v]);
      }
    }
  }

  template <int kRows>
  [[gnu::always_inline]] static void AddStep(const BFloat16* a, const BFloat16* b,
                                             __m512 (&sum)[kRows][kVectors]) {
#pragma GCC unroll 4
    for (int p = 0; p < kPairs; ++p) {
      __m512bh pairs[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        std::memcpy(&pairs[v], b + 2 * (p * kWidth + v * kLanes), sizeof(pairs[v]));
      }
#pragma GCC unroll 12
      for (int i = 0; i < kRows; ++i) {
        int32_t pair;
        std::memcpy(&pair, a + i * kStep + 2 * p, sizeof(pair));
        const __m512bh a_pair = reinterpret_cast<__m512bh>(_mm512_set1_epi32(pair));
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          sum[i][v] = _mm512_dpbf16_ps(sum[i][v], a_pair, pairs[v]);
        }
      }
    }
  }
};

}  // namespace

const Bf16Products& Products() {
  static constexpr Bf16Products kProducts = ProductsOf<Avx512Level>("avx512_bf16");
  return kProducts;
}

const Bf16Attention& Attention() {
  static constexpr Bf16Attention kAttention = AttentionOf<Avx512Level>("avx512_bf16");
  return kAttention;
}

}  // namespace GRPO_ISA
}  // namespace grpo
