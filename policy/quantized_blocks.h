// How tensors' elements are stored: plain types, and ggml's quantised blocks, in which a few
// elements share scales. To and from float, bit for bit as ggml and its Python package convert.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace grpo {

struct BlockFormat {
  const char* name;  // F32, BF16, Q4_K, …
  uint32_t ggml_id;  // the type's number in a GGUF file
  int elements;      // of a block; 1 for plain types
  int bytes;         // of a block
};

// The format of this name, or with this number in GGUF files; nullptr where there is none. Those
// that cannot be converted are there too: their sizes are needed to check a file.
const BlockFormat* FindBlockFormat(absl::string_view name);
const BlockFormat* FindBlockFormat(uint32_t ggml_id);

// F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K and Q6_K.
bool CanDequantize(const BlockFormat& format);

// Whole blocks to floats: `out` has as many elements as the blocks. kUnimplemented for a format
// that cannot be converted.
absl::Status Dequantize(const BlockFormat& format, absl::Span<const char> blocks,
                        absl::Span<float> out);

// Floats to F32, F16 or BF16 (to the nearest, ties to even) or Q8_0. kInvalidArgument where a
// number cannot be said in the format: beyond F16's range, or not finite in Q8_0.
absl::Status Quantize(const BlockFormat& format, absl::Span<const float> values,
                      absl::Span<char> out);

float HalfToFloat(uint16_t half);
uint16_t FloatToHalf(float value);
uint16_t FloatToBfloat16(float value);

}  // namespace grpo
