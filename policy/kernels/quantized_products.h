// Matrix products in float whose right-hand factor lies in blocks of few bits: 32 elements that
// follow each other along k share a scale. Reading weights is what decoding few sequences waits
// for, and here there are 4 or 8 bits of each to read.
//
// An element of B is one float, scale * q (+ minimum), rounded once. The products give the bits
// that `floats->gemm` gives with those elements, for any m, n, and share of the columns.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/kernels/kernels.h"

namespace grpo {

// Scales and minima are of half precision.
enum class QuantizedFormat {
  kInt4,             // scale * q, q from -8 to 7: 0.5625 bytes; ggml's Q4_0
  kInt4WithMinimum,  // scale * q + minimum, q from 0 to 15: 0.625 bytes; ggml's Q4_1
  kInt8              // scale * q, q from -128 to 127: 1.0625 bytes; ggml's Q8_0, Q5_0
};

inline constexpr int kQuantizedBlock = 32;

struct QuantizedProducts {
  const char* name;              // "avx512", "avx2" or "baseline"
  const Kernels<float>* floats;  // of the same instruction set

  // B [k, n], k a multiple of kQuantizedBlock, in panels of panel_width columns, the last one
  // padded: columns can be shared out at panel borders, where j columns take PackedSize(j, k)
  // bytes. Of a panel's blocks, one after the other, each has
  //   [column] scales, [column] minima (where the format has them), and then
  //   4 bits: [8 elements along k][column] words, the first element in the lowest bits,
  //   8 bits: [k][column].
  int panel_width;

  // Packs B if all its elements are exactly what the format can say, to the bit. Otherwise returns
  // false as soon as it finds one, with `packed` partly written. B's element (k, j) is b[k * b_row
  // + j * b_col]; fast where b_row is 1.
  bool (*pack_exactly)(QuantizedFormat format, int n, int k, const float* b, int64_t b_row,
                       int64_t b_col, uint8_t* packed);
  // Packs B's elements as kInt8, each rounded to the nearest q from -127 to 127, the scale being a
  // block's largest magnitude / 127 (rounded). False where a scale is not finite.
  bool (*pack_rounded)(int n, int k, const float* b, int64_t b_row, int64_t b_col, uint8_t* packed);
  // Whether this block, 32 floats in a row, would pack exactly.
  bool (*is_exact)(QuantizedFormat format, const float* block);

  // What packed B's elements are, as floats->pack packs them.
  void (*unpack)(QuantizedFormat format, int n, int k, const uint8_t* packed, float* floats_packed);
  // C [m, n] (row stride ldc) = A B; rows of A contiguous, a_row apart.
  void (*gemm_packed)(QuantizedFormat format, int m, int n, int k, const float* a, int64_t a_row,
                      const uint8_t* packed, float* c, int64_t ldc);

  int64_t PackedSize(QuantizedFormat format, int n, int k) const {
    const int64_t columns = (int64_t{n} + panel_width - 1) / panel_width * panel_width;
    return columns * (k / kQuantizedBlock) * BlockBytes(format);
  }
  static constexpr int BlockBytes(QuantizedFormat format) {
    switch (format) {
      case QuantizedFormat::kInt4:
        return 2 + kQuantizedBlock / 2;
      case QuantizedFormat::kInt4WithMinimum:
        return 4 + kQuantizedBlock / 2;
      case QuantizedFormat::kInt8:
        break;
    }
    return 2 + kQuantizedBlock;
  }
};

// Those of each instruction set that this processor has, the best first.
const std::vector<const QuantizedProducts*>& AvailableQuantizedProducts();

// Those of the instruction set of ActiveKernels.
const QuantizedProducts& ActiveQuantizedProducts();

}  // namespace grpo
