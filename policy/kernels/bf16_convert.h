// Rounding to bfloat16 by AVX512-BF16.
#pragma once

#include <immintrin.h>

#include "policy/kernels/bf16_blocks.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

// Zeros after the count elements. Denormals become zero.
inline void RoundStep(const float* from, int count, BFloat16* to) {
  const uint32_t mask = count == kStep ? ~uint32_t{0} : (uint32_t{1} << count) - 1;
  const __m512 low = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask), from);
  const __m512 high = _mm512_maskz_loadu_ps(static_cast<__mmask16>(mask >> 16), from + 16);
  const __m512bh rounded = _mm512_cvtne2ps_pbh(high, low);
  std::memcpy(to, &rounded, sizeof(rounded));
}

inline void StoreStepApart(const BFloat16* from, BFloat16* to) {
  for (int half = 0; half < 2; ++half) {
    const __m256i elements =
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + half * kWidth / 2));
    _mm512_mask_storeu_epi16(to + half * kWidth, 0x55555555,
                             _mm512_maskz_cvtepu16_epi32(0xffff, elements));
  }
}

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
