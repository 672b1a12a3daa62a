#include "policy/fp8_blocks.h"

#include <array>
#include <cmath>
#include <cstring>
#include <limits>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

std::array<float, 256> MakeTable() {
  std::array<float, 256> table;
  for (int code = 0; code < 256; ++code) {
    const int exponent = code >> 3 & 15, fraction = code & 7;
    float magnitude = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -9)
                                    : std::ldexp(static_cast<float>(8 + fraction), exponent - 10);
    if (exponent == 15 && fraction == 7) magnitude = std::numeric_limits<float>::quiet_NaN();
    table[code] = code < 128 ? magnitude : -magnitude;
  }
  return table;
}

int64_t BlocksOf(int64_t extent, int64_t block) { return (extent + block - 1) / block; }

}  // namespace

float Fp8E4m3ToFloat(uint8_t code) {
  static const std::array<float, 256> table = MakeTable();
  return table[code];
}

absl::Status DequantizeFp8(const Fp8Matrix& matrix, absl::Span<float> out) {
  const auto elements = static_cast<size_t>(matrix.rows * matrix.columns);
  const int64_t blocks_in_row = BlocksOf(matrix.columns, matrix.block_columns);
  const auto blocks = static_cast<size_t>(BlocksOf(matrix.rows, matrix.block_rows) * blocks_in_row);
  if (matrix.codes.size() != elements || out.size() != elements ||
      matrix.scales.size() != blocks * sizeof(float)) {
    return absl::InvalidArgumentError(absl::StrCat(
        matrix.rows, " x ", matrix.columns, " codes of FP8 need ", blocks, " scales, found ",
        matrix.codes.size(), " codes and ", matrix.scales.size() / sizeof(float), " scales"));
  }
  for (int64_t row = 0; row < matrix.rows; ++row) {
    for (int64_t column = 0; column < matrix.columns; ++column) {
      const int64_t place = row * matrix.columns + column;
      const float value = Fp8E4m3ToFloat(static_cast<uint8_t>(matrix.codes[place]));
      if (std::isnan(value)) {
        return absl::InvalidArgumentError(
            absl::StrCat("the FP8 code in row ", row, ", column ", column, " is NaN"));
      }
      const int64_t block = row / matrix.block_rows * blocks_in_row + column / matrix.block_columns;
      float scale;
      std::memcpy(&scale, matrix.scales.data() + block * sizeof(float), sizeof(scale));
      out[place] = value * scale;
    }
  }
  return absl::OkStatus();
}

}  // namespace grpo
