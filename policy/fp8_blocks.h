// DeepSeek's block-scaled FP8: a matrix of F8_E4M3 with an F32 scale for every block of 128 x 128
// elements (`NAME_scale_inv`). The scale multiplies what the code stands for, whatever its name
// says.
#pragma once

#include <cstdint>

#include "absl/status/status.h"
#include "absl/types/span.h"

namespace grpo {

// The number that a code of E4M3 (without infinities) stands for; the codes 0x7f and 0xff are NaN.
float Fp8E4m3ToFloat(uint8_t code);

struct Fp8Matrix {
  int64_t rows = 0, columns = 0;
  int64_t block_rows = 128, block_columns = 128;
  absl::Span<const char> codes;   // rows * columns
  absl::Span<const char> scales;  // F32, one a block: blocks of a row lie side by side
};

// Fills `out` (rows * columns). kInvalidArgument where the sizes contradict one another and, with
// its place, where a code is NaN.
absl::Status DequantizeFp8(const Fp8Matrix& matrix, absl::Span<float> out);

}  // namespace grpo
