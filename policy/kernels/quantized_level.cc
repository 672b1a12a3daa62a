// The products of quantized_products.h. CMake compiles this file once for each instruction set, as
// it does kernels.cc.
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <utility>

#ifdef __AVX512F__
#include <immintrin.h>
#endif

#include "policy/kernels/quantized_products.h"
#include "policy/kernels/vectors.h"

#define GRPO_STRINGIFY(name) #name
#define GRPO_NAME(name) GRPO_STRINGIFY(name)

namespace grpo {
namespace GRPO_ISA {

const Kernels<float>& FloatKernels();

namespace {

using Floats = VectorOf<float>::Type;
using Words = VectorOf<uint32_t>::Type;
using Ints = VectorOf<int32_t>::Type;
constexpr int kLanes = VectorOf<float>::kLanes;
typedef uint16_t Halves __attribute__((vector_size(2 * kLanes)));
typedef int8_t Bytes __attribute__((vector_size(kLanes)));

constexpr int kVectors = 2;  // of a panel's row
constexpr int kWidth = kVectors * kLanes;
constexpr int kBlock = kQuantizedBlock;
#ifdef __AVX512F__
constexpr __mmask16 kAllLanes = 0xffff;  // without it, GCC 12 warns of what its own headers do
#endif

// Of at most so many rows, each weight becomes a float in a register. For more, parts of a panel
// become floats in the first-level cache.
constexpr int kFewRows = GRPO_VECTOR_BYTES == 64 ? 8 : 4;
constexpr int kDepth = 256;  // of such a part
// The next panel is fetched from so many places at once: memory gives more then (bf16_blocks.h).
constexpr int kStreams = 5;
constexpr int64_t kLine = 64;

template <QuantizedFormat kFormat>
struct Traits {
  static constexpr bool kInt8 = kFormat == QuantizedFormat::kInt8;
  static constexpr bool kMinimum = kFormat == QuantizedFormat::kInt4WithMinimum;
  static constexpr int kLowest = kInt8 ? -128 : kMinimum ? 0 : -8;
  static constexpr int kHighest = kInt8 ? 127 : kMinimum ? 15 : 7;
  static constexpr int64_t kQuantsAt = int64_t{kWidth} * (kMinimum ? 4 : 2);  // in a panel's block
  static constexpr int64_t kBlockBytes = int64_t{kWidth} * QuantizedProducts::BlockBytes(kFormat);
};

// Calls `function` with this format as a template argument.
template <typename Function>
auto WithFormat(QuantizedFormat format, Function function) {
  switch (format) {
    case QuantizedFormat::kInt4:
      return function.template operator()<QuantizedFormat::kInt4>();
    case QuantizedFormat::kInt4WithMinimum:
      return function.template operator()<QuantizedFormat::kInt4WithMinimum>();
    case QuantizedFormat::kInt8:
      break;
  }
  return function.template operator()<QuantizedFormat::kInt8>();
}

// ---- Numbers of half precision; there are finite ones only

template <typename To, typename From>
[[gnu::always_inline]] inline To Cast(From from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof(to));
  return to;
}

inline float HalfToFloat(uint16_t half) {
  const float magnitude = Cast<float>(uint32_t{half & 0x7fffu} << 13) * 0x1p112f;
  return Cast<float>(Cast<uint32_t>(magnitude) | uint32_t{half & 0x8000u} << 16);
}

constexpr uint16_t kInfiniteHalf = 0x7c00;

// To the nearest, ties to even; infinite from 65520 and for what is no number.
inline uint16_t FloatToHalf(float value) {
  const auto bits = Cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude >= 0x477ff000) return sign | kInfiniteHalf;
  if (magnitude < 0x38800000) {
    const float shifted = Cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (Cast<uint32_t>(shifted) - 0x3f000000));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);
  return static_cast<uint16_t>(sign | (magnitude - (112u << 23)) >> 13);
}

inline bool IsFinite(uint16_t half) { return (half & kInfiniteHalf) != kInfiniteHalf; }

[[gnu::always_inline]] inline Floats LoadHalves(const uint8_t* from) {
#ifdef __AVX512F__
  return _mm512_maskz_cvtph_ps(kAllLanes,
                               _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from)));
#else
  Halves halves;
  std::memcpy(&halves, from, sizeof(halves));
  const Words words = __builtin_convertvector(halves, Words);
  const Floats magnitude = Cast<Floats>((words & 0x7fff) << 13) * 0x1p112f;
  return Cast<Floats>(Cast<Words>(magnitude) | (words & 0x8000) << 16);
#endif
}

// ---- Reading

// The quants of 4 bits that are the lowest of each word's, as floats. Higher bits may be anything.
template <QuantizedFormat kFormat>
[[gnu::always_inline]] inline Floats LowestQuants(Words words) {
  constexpr int kLowest = Traits<kFormat>::kLowest;
#ifdef __AVX512F__
  const __m512 table =
      _mm512_setr_ps(kLowest, kLowest + 1, kLowest + 2, kLowest + 3, kLowest + 4, kLowest + 5,
                     kLowest + 6, kLowest + 7, kLowest + 8, kLowest + 9, kLowest + 10, kLowest + 11,
                     kLowest + 12, kLowest + 13, kLowest + 14, kLowest + 15);
  return _mm512_maskz_permutexvar_ps(kAllLanes, reinterpret_cast<__m512i>(words), table);
#else
  return __builtin_convertvector(Cast<Ints>(words & 15) + kLowest, Floats);
#endif
}

[[gnu::always_inline]] inline Floats LoadBytes(const uint8_t* from) {
#ifdef __AVX512F__
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const Ints quants = reinterpret_cast<Ints>(_mm512_maskz_cvtepi8_epi32(kAllLanes, bytes));
#else
  Bytes bytes;
  std::memcpy(&bytes, from, sizeof(bytes));
  const Ints quants = __builtin_convertvector(bytes, Ints);
#endif
  return __builtin_convertvector(quants, Floats);
}

// Calls row(k, weights) for each k of a panel's block, in ascending order: with its row of B.
template <QuantizedFormat kFormat, typename Row>
[[gnu::always_inline]] inline void ForEachRow(const uint8_t* block, Row row) {
  using Format = Traits<kFormat>;
  Floats scale[kVectors], minimum[kVectors];
#pragma GCC unroll 2
  for (int v = 0; v < kVectors; ++v) {
    scale[v] = LoadHalves(block + 2 * kLanes * v);
    if (Format::kMinimum) minimum[v] = LoadHalves(block + 2 * kWidth + 2 * kLanes * v);
  }
  const uint8_t* const quants = block + Format::kQuantsAt;
  const auto weights_of = [&](Floats quant, int v) __attribute__((always_inline)) {
    return Format::kMinimum ? scale[v] * quant + minimum[v] : scale[v] * quant;
  };
  if constexpr (Format::kInt8) {
#pragma GCC unroll 4
    for (int k = 0; k < kBlock; ++k) {
      Floats weights[kVectors];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        weights[v] = weights_of(LoadBytes(quants + k * kWidth + v * kLanes), v);
      }
      row(k, weights);
    }
  } else {
    for (int group = 0; group < kBlock / 8; ++group) {
      Words words[kVectors];
      for (int v = 0; v < kVectors; ++v) {
        std::memcpy(&words[v], quants + 4 * (kWidth * group + kLanes * v), sizeof(words[v]));
      }
#pragma GCC unroll 8
      for (int k = 0; k < 8; ++k) {
        Floats weights[kVectors];
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          weights[v] = weights_of(LowestQuants<kFormat>(words[v] >> (4 * k)), v);
        }
        row(8 * group + k, weights);
      }
    }
  }
}

// `blocks` blocks of a panel as rows of floats.
template <QuantizedFormat kFormat>
void UnpackPanel(int blocks, const uint8_t* packed, float* rows) {
  for (int block = 0; block < blocks; ++block) {
    float* const to = rows + int64_t{block} * kBlock * kWidth;
    ForEachRow<kFormat>(
        packed + block * Traits<kFormat>::kBlockBytes, [&](int k, const Floats(&weights)[kVectors])
                                                           __attribute__((always_inline)) {
                                                             for (int v = 0; v < kVectors; ++v) {
                                                               Store(to + k * kWidth + v * kLanes,
                                                                     weights[v]);
                                                             }
                                                           });
  }
}

template <QuantizedFormat kFormat>
void UnpackAll(int n, int k, const uint8_t* packed, float* floats_packed) {
  const int blocks = k / kBlock;
  for (int j = 0; j < n; j += kWidth) {
    UnpackPanel<kFormat>(blocks, packed, floats_packed);
    packed += blocks * Traits<kFormat>::kBlockBytes;
    floats_packed += int64_t{k} * kWidth;
  }
}

// ---- Products

template <QuantizedFormat kFormat, int kRows>
void FewRows(int n, int k, const float* a, int64_t a_row, const uint8_t* packed, float* c,
             int64_t ldc) {
  constexpr int64_t kBlockBytes = Traits<kFormat>::kBlockBytes;
  const int blocks = k / kBlock;
  // Of each stream, a block.
  constexpr int kLines = (kBlockBytes + kStreams * kLine - 1) / (kStreams * kLine);
  const int64_t panel_bytes = blocks * kBlockBytes, stream_bytes = panel_bytes / kStreams;
  for (int j = 0; j < n; j += kWidth) {
    const bool is_last = j + kWidth >= n;
    Floats sum[kRows][kVectors] = {};
    for (int block = 0; block < blocks; ++block, packed += kBlockBytes) {
      if (!is_last) {
        const uint8_t* next = packed + panel_bytes + block * (kLines * kLine - kBlockBytes);
#pragma GCC unroll 4
        for (int line = 0; line < kLines; ++line, next += kLine) {
#pragma GCC unroll 5
          for (int i = 0; i < kStreams; ++i) __builtin_prefetch(next + i * stream_bytes);
        }
      }
      const float* const a_block = a + block * kBlock;
      ForEachRow<kFormat>(
          packed, [&](int r, const Floats(&weights)[kVectors]) __attribute__((always_inline)) {
#pragma GCC unroll 8
            for (int i = 0; i < kRows; ++i) {
              const float a_value = a_block[i * a_row + r];
#pragma GCC unroll 2
              for (int v = 0; v < kVectors; ++v) {
                sum[i][v] = MultiplyAdd<float>(a_value, weights[v], sum[i][v]);
              }
            }
          });
    }
    const int columns = std::min(kWidth, n - j);
    for (int i = 0; i < kRows; ++i) {
      float row[kWidth];
      for (int v = 0; v < kVectors; ++v) Store(row + v * kLanes, sum[i][v]);
      std::copy_n(row, columns, c + i * ldc + j);
    }
  }
}

template <QuantizedFormat kFormat, int kRows>
void FewRowsOf(int rows, int n, int k, const float* a, int64_t a_row, const uint8_t* packed,
               float* c, int64_t ldc) {
  if (rows == kRows) {
    FewRows<kFormat, kRows>(n, k, a, a_row, packed, c, ldc);
  } else if constexpr (kRows > 1) {
    FewRowsOf<kFormat, kRows - 1>(rows, n, k, a, a_row, packed, c, ldc);
  }
}

template <QuantizedFormat kFormat>
void ManyRows(int m, int n, int k, const float* a, int64_t a_row, const uint8_t* packed, float* c,
              int64_t ldc) {
  const Kernels<float>& floats = FloatKernels();
  float* const rows = Scratch<float, struct UnpackedRows>(kDepth * kWidth);
  for (int j = 0; j < n; j += kWidth) {
    for (int k0 = 0; k0 < k; k0 += kDepth) {
      const int depth = std::min(kDepth, k - k0), blocks = depth / kBlock;
      UnpackPanel<kFormat>(blocks, packed, rows);
      packed += blocks * Traits<kFormat>::kBlockBytes;
      floats.gemm_packed(m, std::min(kWidth, n - j), depth, a + k0, a_row, 1, rows, c + j, ldc,
                         /*accumulate=*/k0 > 0);
    }
  }
}

// ---- Packing

// A block's elements, loaded.
constexpr int kBlockVectors = kBlock / kLanes;
struct Elements {
  Floats vectors[kBlockVectors];
};

[[gnu::always_inline]] inline Elements LoadElements(const float* from) {
  Elements elements;
  for (int v = 0; v < kBlockVectors; ++v) elements.vectors[v] = Load(from + v * kLanes);
  return elements;
}

// Combines each group of kGroup lanes: all of them then hold what comes out.
template <int kGroup, typename Vector, typename Combine, int... kLane>
[[gnu::always_inline]] inline Vector FoldBelow(Vector v, Combine combine,
                                               std::integer_sequence<int, kLane...> lanes) {
  if constexpr (kGroup == 1) {
    return v;
  } else {
    constexpr int kBit = kGroup / 2;
    const Vector exchanged = __builtin_shufflevector(v, v, (kLane ^ kBit)...);
    return FoldBelow<kBit>(combine(v, exchanged), combine, lanes);
  }
}

// The halves of two vectors, one after the other: the first halves, or the second ones.
template <int kHalf, int... kLane>
[[gnu::always_inline]] inline Floats JoinHalves(Floats a, Floats b,
                                                std::integer_sequence<int, kLane...>) {
  constexpr int kHalfLanes = kLanes / 2;
  return __builtin_shufflevector(
      a, b,
      (kLane < kHalfLanes ? kLane + kHalf * kHalfLanes : kLane + kHalfLanes * (1 + kHalf))...);
}

// Where an element is no number, so may these be, or not.
struct Extremes {
  float least, greatest;
};

[[gnu::always_inline]] inline Extremes ExtremesOf(const Elements& elements) {
  const std::make_integer_sequence<int, kLanes> lanes;
  const auto greater = [](Floats a, Floats b) __attribute__((always_inline)) {
    return a > b ? a : b;
  };
  Floats greatest = elements.vectors[0], negative = -greatest;
  for (int v = 1; v < kBlockVectors; ++v) {
    greatest = greater(elements.vectors[v], greatest);
    negative = greater(-elements.vectors[v], negative);
  }
  const Floats both = FoldBelow<kLanes / 2>(
      greater(JoinHalves<0>(negative, greatest, lanes), JoinHalves<1>(negative, greatest, lanes)),
      greater, lanes);
  return {-both[0], both[kLanes / 2]};
}

struct PackedBlock {
  uint16_t scale = 0, minimum = 0;
  alignas(64) int8_t quants[kBlock];  // less the lowest, where they are of 4 bits
};

// The nearest quants with this scale and minimum. Returns whether they give these elements' bits.
template <QuantizedFormat kFormat>
[[gnu::always_inline]] inline bool Quantize(const Elements& elements, uint16_t scale_half,
                                            uint16_t minimum_half, float lowest, float highest,
                                            PackedBlock& packed) {
  using Format = Traits<kFormat>;
  if (!IsFinite(scale_half) || !IsFinite(minimum_half)) return false;
  packed.scale = scale_half;
  packed.minimum = minimum_half;
  const float scale = HalfToFloat(scale_half), minimum = HalfToFloat(minimum_half);
  const float inverse = scale == 0 ? 0 : 1 / scale;
  constexpr float kRounding = 12582912;  // 1.5 * 2^23: sums with it are rounded to integers
  Ints differences = {};
  for (int v = 0; v < kBlockVectors; ++v) {
    const Floats element = elements.vectors[v];
    Floats place = (Format::kMinimum ? element - minimum : element) * inverse;
    place = place < lowest ? Floats{} + lowest : place;
    place = place > highest ? Floats{} + highest : place;
    const Floats quant = (place + kRounding) - kRounding;
    const Floats found = Format::kMinimum ? quant * scale + minimum : quant * scale;
    differences |= (Cast<Ints>(found) ^ Cast<Ints>(element)) | (found != element);  // or no number
    const Ints code = __builtin_convertvector(quant, Ints) - (Format::kInt8 ? 0 : Format::kLowest);
    const Bytes bytes = __builtin_convertvector(code, Bytes);
    std::memcpy(packed.quants + v * kLanes, &bytes, sizeof(bytes));
  }
  const auto either = [](Ints a, Ints b) __attribute__((always_inline)) { return a | b; };
  return FoldBelow<kLanes>(differences, either, std::make_integer_sequence<int, kLanes>())[0] == 0;
}

// The same with the scale and minimum to be found. First as ggml's own quantization chooses them,
// which takes an extreme to the last quant; then other quants that the extremes may have had.
template <QuantizedFormat kFormat>
bool QuantizeExactly(const Elements& elements, PackedBlock& packed) {
  using Format = Traits<kFormat>;
  const auto try_scale = [&](float scale, float minimum) {
    return Quantize<kFormat>(elements, FloatToHalf(scale), FloatToHalf(minimum), Format::kLowest,
                             Format::kHighest, packed);
  };
  const auto [least, greatest] = ExtremesOf(elements);
  if constexpr (Format::kMinimum) {
    for (int steps = Format::kHighest; steps > 0; --steps) {
      const float scale = (greatest - least) / static_cast<float>(steps);
      for (int first = 0; first + steps <= Format::kHighest; ++first) {
        if (try_scale(scale, least - static_cast<float>(first) * scale)) return true;
      }
    }
    return false;
  }
  // ggml takes the extreme of 4 bits to -8, and has no negative scales of 8 bits.
  const float magnitude = std::max(-least, greatest);
  const float extreme = Format::kInt8 || magnitude > greatest ? magnitude : -magnitude;
  constexpr int kInt4Quants[] = {8, 7, 6, 5, 4, 3, 2, 1}, kInt8Quants[] = {127, 128, 16, 15};
  const auto try_quants = [&](const auto& quants) {
    for (const int quant : quants) {
      const float scale = extreme / static_cast<float>(quant);
      if (try_scale(scale, 0) || try_scale(-scale, 0)) return true;
    }
    return false;
  };
  return Format::kInt8 ? try_quants(kInt8Quants) : try_quants(kInt4Quants);
}

bool QuantizeRounded(const Elements& elements, PackedBlock& packed) {
  const auto [least, greatest] = ExtremesOf(elements);
  const uint16_t scale = FloatToHalf(std::max(-least, greatest) / 127);
  Quantize<QuantizedFormat::kInt8>(elements, scale, 0, -127, 127, packed);
  // An element that is no number may have been missed by the comparisons, but not by a sum.
  Floats sum = {};
  for (int v = 0; v < kBlockVectors; ++v) sum += elements.vectors[v] * 0.0f;
  float lanes[kLanes];
  Store(lanes, sum);
  bool finite = IsFinite(scale);
  for (int i = 0; i < kLanes; ++i) finite &= lanes[i] == 0;
  return finite;
}

// Eight bytes of 4 bits each as one word.
inline uint32_t Word(const int8_t* quants) {
  uint64_t bits;
  std::memcpy(&bits, quants, sizeof(bits));
  bits = (bits | bits >> 4) & 0x00ff00ff00ff00ff;
  bits = (bits | bits >> 8) & 0x0000ffff0000ffff;
  return static_cast<uint32_t>(bits | bits >> 16);
}

// To its column of a panel's block.
template <QuantizedFormat kFormat>
[[gnu::always_inline]] inline void Place(const PackedBlock& packed, int column, uint8_t* block) {
  using Format = Traits<kFormat>;
  std::memcpy(block + 2 * column, &packed.scale, 2);
  if (Format::kMinimum) std::memcpy(block + 2 * (kWidth + column), &packed.minimum, 2);
  uint8_t* const quants = block + Format::kQuantsAt;
  if constexpr (Format::kInt8) {
#pragma GCC unroll 32
    for (int k = 0; k < kBlock; ++k) {
      quants[k * kWidth + column] = static_cast<uint8_t>(packed.quants[k]);
    }
  } else {
    for (int group = 0; group < kBlock / 8; ++group) {
      const uint32_t word = Word(packed.quants + 8 * group);
      std::memcpy(quants + 4 * (group * kWidth + column), &word, sizeof(word));
    }
  }
}

// Column by column, as weights lie in memory.
template <QuantizedFormat kFormat, typename QuantizeBlock>
bool PackBlocks(int n, int k, const float* b, int64_t b_row, int64_t b_col, uint8_t* packed,
                QuantizeBlock quantize) {
  constexpr int64_t kBlockBytes = Traits<kFormat>::kBlockBytes;
  const int blocks = k / kBlock;
  for (int j0 = 0; j0 < n; j0 += kWidth, packed += blocks * kBlockBytes) {
    const int columns = std::min(kWidth, n - j0);
    if (columns < kWidth) std::fill_n(packed, blocks * kBlockBytes, uint8_t{0});
    for (int j = 0; j < columns; ++j) {
      for (int block = 0; block < blocks; ++block) {
        const float* from = b + int64_t{block} * kBlock * b_row + (j0 + j) * b_col;
        float gathered[kBlock];
        if (b_row != 1) {
          for (int i = 0; i < kBlock; ++i) gathered[i] = from[i * b_row];
          from = gathered;
        }
        PackedBlock quantized;
        if (!quantize(LoadElements(from), quantized)) return false;
        Place<kFormat>(quantized, j, packed + block * kBlockBytes);
      }
    }
  }
  return true;
}

// ---- The table

bool PackExactly(QuantizedFormat format, int n, int k, const float* b, int64_t b_row, int64_t b_col,
                 uint8_t* packed) {
  return WithFormat(format, [&]<QuantizedFormat kFormat>() {
    return PackBlocks<kFormat>(n, k, b, b_row, b_col, packed,
                               [](const Elements& elements, PackedBlock& block) {
                                 return QuantizeExactly<kFormat>(elements, block);
                               });
  });
}

bool PackRounded(int n, int k, const float* b, int64_t b_row, int64_t b_col, uint8_t* packed) {
  return PackBlocks<QuantizedFormat::kInt8>(n, k, b, b_row, b_col, packed, QuantizeRounded);
}

bool IsExact(QuantizedFormat format, const float* block) {
  return WithFormat(format, [&]<QuantizedFormat kFormat>() {
    PackedBlock packed;
    return QuantizeExactly<kFormat>(LoadElements(block), packed);
  });
}

void Unpack(QuantizedFormat format, int n, int k, const uint8_t* packed, float* floats_packed) {
  WithFormat(format,
             [&]<QuantizedFormat kFormat>() { UnpackAll<kFormat>(n, k, packed, floats_packed); });
}

void GemmPacked(QuantizedFormat format, int m, int n, int k, const float* a, int64_t a_row,
                const uint8_t* packed, float* c, int64_t ldc) {
  WithFormat(format, [&]<QuantizedFormat kFormat>() {
    if (m <= kFewRows) {
      FewRowsOf<kFormat, kFewRows>(m, n, k, a, a_row, packed, c, ldc);
    } else {
      ManyRows<kFormat>(m, n, k, a, a_row, packed, c, ldc);
    }
  });
}

}  // namespace

const QuantizedProducts& QuantizedLevel() {
  static const QuantizedProducts products = {.name = GRPO_NAME(GRPO_ISA),
                                             .floats = &FloatKernels(),
                                             .panel_width = kWidth,
                                             .pack_exactly = PackExactly,
                                             .pack_rounded = PackRounded,
                                             .is_exact = IsExact,
                                             .unpack = Unpack,
                                             .gemm_packed = GemmPacked};
  return products;
}

}  // namespace GRPO_ISA
}  // namespace grpo
