// Matrix products with a bfloat16 right-hand factor that are computed in bfloat16:
//   C[m, n] = or += sum over k of round_to_nearest_even_bf16(A[m, k]) * B[k, n],
// summed in float, on the processor's own instructions for it where it has them.
//
// An output element's bits depend on its own row of A, its own column of B and k alone (and on what
// it is added to): never on m, n, the row's or the column's place in the call, or whether B was
// packed beforehand. One level gives one result; two levels may differ, for they sum over k in
// different orders and some flush denormals to zero.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/kernels/kernels.h"

namespace grpo {

// B [k, n] packed: panels of kBf16PanelWidth columns, one after the other, each in pairs along k,
// [k / 2][column][2], zeros beyond k (padded to kBf16DepthStep) and n. Columns can be split between
// threads at panel borders: column j, a multiple of the width, begins at Bf16PackedSize(j, k). At a
// multiple of 64 bytes it is read fastest.
inline constexpr int kBf16PanelWidth = 32;
inline constexpr int kBf16DepthStep = 32;

// Elements of B packed, at all levels alike.
inline int64_t Bf16PackedSize(int n, int k) {
  const int64_t panels = (int64_t{n} + kBf16PanelWidth - 1) / kBf16PanelWidth;
  const int64_t steps = (int64_t{k} + kBf16DepthStep - 1) / kBf16DepthStep;
  return panels * kBf16PanelWidth * steps * kBf16DepthStep;
}

struct Bf16Products {
  const char* name;  // "amx", "avx512_bf16", "generic_avx512", "generic_avx2", "generic_baseline"

  // B's element (k, j) is b[k * b_row + j * b_col]. Fast where one of the strides is 1. The result
  // serves every level.
  void (*pack)(int n, int k, const BFloat16* b, int64_t b_row, int64_t b_col, BFloat16* packed);
  // C[m, n] (row stride ldc) = A B, or += when accumulate. A's element (i, k) is a[i * a_row + k *
  // a_col]. Fast where one of these strides is 1. `next`, where not null, says that B comes from
  // memory rather than from a cache, and what the caller reads after it. That is fetched while B is
  // still multiplied; no result depends on it.
  void (*gemm_packed)(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col,
                      const BFloat16* packed, float* c, int64_t ldc, bool accumulate,
                      const BFloat16* next);
  // The same bits from B as it lies.
  void (*gemm)(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col, const BFloat16* b,
               int64_t b_row, int64_t b_col, float* c, int64_t ldc, bool accumulate);
};

// The levels that this processor has, the best first.
const std::vector<const Bf16Products*>& AvailableBf16Products();

// The best of them.
const Bf16Products& ActiveBf16Products();

}  // namespace grpo
