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

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
