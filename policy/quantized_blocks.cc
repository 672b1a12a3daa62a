#include "policy/quantized_blocks.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "absl/strings/str_cat.h"

namespace grpo {
namespace {

constexpr int kSuperBlock = 256;  // elements of a K format's block

// Numbers, names and sizes as in ggml.
constexpr BlockFormat kFormats[] = {
    {"F32", 0, 1, 4},         {"F16", 1, 1, 2},         {"Q4_0", 2, 32, 18},
    {"Q4_1", 3, 32, 20},      {"Q5_0", 6, 32, 22},      {"Q5_1", 7, 32, 24},
    {"Q8_0", 8, 32, 34},      {"Q8_1", 9, 32, 40},      {"Q2_K", 10, 256, 84},
    {"Q3_K", 11, 256, 110},   {"Q4_K", 12, 256, 144},   {"Q5_K", 13, 256, 176},
    {"Q6_K", 14, 256, 210},   {"Q8_K", 15, 256, 292},   {"IQ2_XXS", 16, 256, 66},
    {"IQ2_XS", 17, 256, 74},  {"IQ3_XXS", 18, 256, 98}, {"IQ1_S", 19, 256, 50},
    {"IQ4_NL", 20, 32, 18},   {"IQ3_S", 21, 256, 110},  {"IQ2_S", 22, 256, 82},
    {"IQ4_XS", 23, 256, 136}, {"I8", 24, 1, 1},         {"I16", 25, 1, 2},
    {"I32", 26, 1, 4},        {"I64", 27, 1, 8},        {"F64", 28, 1, 8},
    {"IQ1_M", 29, 256, 56},   {"BF16", 30, 1, 2},       {"TQ1_0", 34, 256, 54},
    {"TQ2_0", 35, 256, 66},   {"MXFP4", 39, 32, 17},    {"NVFP4", 40, 64, 36},
    {"Q1_0", 41, 128, 18},
};

uint16_t Read16(const uint8_t* bytes) { return static_cast<uint16_t>(bytes[0] | bytes[1] << 8); }

float ReadHalf(const uint8_t* bytes) { return HalfToFloat(Read16(bytes)); }

void Write16(uint16_t value, char* out) {
  out[0] = static_cast<char>(value & 0xff);
  out[1] = static_cast<char>(value >> 8);
}

// A block of each format to its elements. The order of the operations is ggml's: another order
// would round differently.

void F32Block(const uint8_t* block, float* out) {
  const uint32_t bits =
      block[0] | block[1] << 8 | block[2] << 16 | static_cast<uint32_t>(block[3]) << 24;
  *out = std::bit_cast<float>(bits);
}

void F16Block(const uint8_t* block, float* out) { *out = ReadHalf(block); }

void Bf16Block(const uint8_t* block, float* out) {
  *out = std::bit_cast<float>(static_cast<uint32_t>(Read16(block)) << 16);
}

void Q8_0Block(const uint8_t* block, float* out) {
  const float scale = ReadHalf(block);
  for (int i = 0; i < 32; ++i) out[i] = static_cast<int8_t>(block[2 + i]) * scale;
}

void Q4_0Block(const uint8_t* block, float* out) {
  const float scale = ReadHalf(block);
  const uint8_t* const quants = block + 2;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 0x0f) - 8);
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) - 8);
  }
}

void Q4_1Block(const uint8_t* block, float* out) {
  const float scale = ReadHalf(block);
  const float minimum = ReadHalf(block + 2);
  const uint8_t* const quants = block + 4;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(quants[i] & 0x0f) + minimum;
    out[i + 16] = scale * static_cast<float>(quants[i] >> 4) + minimum;
  }
}

// The fifth bits of a Q5 block, at their place in a quant.
int FifthBit(const uint8_t* bits, int element) {
  return (bits[element / 8] >> (element % 8) & 1) << 4;
}

void Q5_0Block(const uint8_t* block, float* out) {
  const float scale = ReadHalf(block);
  const uint8_t* const high = block + 2;
  const uint8_t* const quants = block + 6;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>(((quants[i] & 0x0f) | FifthBit(high, i)) - 16);
    out[i + 16] = scale * static_cast<float>(((quants[i] >> 4) | FifthBit(high, i + 16)) - 16);
  }
}

void Q5_1Block(const uint8_t* block, float* out) {
  const float scale = ReadHalf(block);
  const float minimum = ReadHalf(block + 2);
  const uint8_t* const high = block + 4;
  const uint8_t* const quants = block + 8;
  for (int i = 0; i < 16; ++i) {
    out[i] = scale * static_cast<float>((quants[i] & 0x0f) | FifthBit(high, i)) + minimum;
    out[i + 16] = scale * static_cast<float>((quants[i] >> 4) | FifthBit(high, i + 16)) + minimum;
  }
}

void Q2_KBlock(const uint8_t* block, float* out) {
  const uint8_t* const scales = block;
  const uint8_t* const quants = block + 16;
  const float scale = ReadHalf(block + 80);
  const float minimum = ReadHalf(block + 82);
  for (int group = 0; group < 16; ++group) {
    const float group_scale = scale * static_cast<float>(scales[group] & 0x0f);
    const float group_minimum = minimum * static_cast<float>(scales[group] >> 4);
    const uint8_t* const bytes = quants + group / 8 * 32 + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) {
      *out++ = group_scale * static_cast<float>(bytes[i] >> shift & 3) - group_minimum;
    }
  }
}

void Q3_KBlock(const uint8_t* block, float* out) {
  const uint8_t* const high = block;  // a set bit: nothing is taken away
  const uint8_t* const quants = block + 32;
  const uint8_t* const scales = block + 96;
  const float scale = ReadHalf(block + 108);
  for (int group = 0; group < 16; ++group) {
    const int low_bits = group < 8 ? scales[group] & 0x0f : scales[group - 8] >> 4;
    const int high_bits = scales[8 + group % 4] >> (group / 4 * 2) & 3;
    const float group_scale = scale * static_cast<float>((low_bits | high_bits << 4) - 32);
    const uint8_t* const bytes = quants + group / 8 * 32 + group % 2 * 16;
    const uint8_t* const bits = high + group % 2 * 16;
    const int shift = group % 8 / 2 * 2;
    for (int i = 0; i < 16; ++i) {
      const int offset = bits[i] >> (group / 2) & 1 ? 0 : 4;
      *out++ = group_scale * static_cast<float>((bytes[i] >> shift & 3) - offset);
    }
  }
}

// The scale and the minimum of one of the eight groups of a Q4_K or Q5_K block: six bits each, in
// twelve bytes.
struct ScaleAndMinimum {
  int scale, minimum;
};
ScaleAndMinimum GroupOf(const uint8_t* packed, int group) {
  if (group < 4) return {packed[group] & 63, packed[group + 4] & 63};
  return {(packed[group + 4] & 0x0f) | packed[group - 4] >> 6 << 4,
          packed[group + 4] >> 4 | packed[group] >> 6 << 4};
}

// Q4_K and Q5_K; `high` holds the fifth bits, null where there are none.
void FourBitGroups(const uint8_t* block, const uint8_t* high, const uint8_t* quants, float* out) {
  const float scale = ReadHalf(block);
  const float minimum = ReadHalf(block + 2);
  for (int group = 0; group < 8; ++group) {
    const ScaleAndMinimum packed = GroupOf(block + 4, group);
    const float group_scale = scale * static_cast<float>(packed.scale);
    const float group_minimum = minimum * static_cast<float>(packed.minimum);
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int low_bits = quants[group / 2 * 32 + i] >> shift & 0x0f;
      const int high_bit = high == nullptr ? 0 : high[i] >> group & 1;
      *out++ = group_scale * static_cast<float>(low_bits | high_bit << 4) - group_minimum;
    }
  }
}

void Q4_KBlock(const uint8_t* block, float* out) { FourBitGroups(block, nullptr, block + 16, out); }

void Q5_KBlock(const uint8_t* block, float* out) {
  FourBitGroups(block, block + 16, block + 48, out);
}

void Q6_KBlock(const uint8_t* block, float* out) {
  const uint8_t* const low = block;
  const uint8_t* const high = block + 128;
  const auto* const scales = reinterpret_cast<const int8_t*>(block + 192);
  const float scale = ReadHalf(block + 208);
  for (int i = 0; i < kSuperBlock; ++i) {
    const int half = i / 128, quarter = i % 128 / 32, place = i % 32;
    const int low_bits = low[half * 64 + quarter % 2 * 32 + place] >> (quarter / 2 * 4) & 0x0f;
    const int high_bits = high[half * 32 + place] >> (quarter * 2) & 3;
    const float group_scale = scale * static_cast<float>(scales[i / 16]);
    out[i] = group_scale * static_cast<float>((low_bits | high_bits << 4) - 32);
  }
}

// All blocks of a tensor, one after the other.
template <void (*kBlock)(const uint8_t*, float*)>
void Blocks(const BlockFormat& format, const uint8_t* block, absl::Span<float> out) {
  for (size_t i = 0; i < out.size(); i += format.elements, block += format.bytes) {
    kBlock(block, out.data() + i);
  }
}

using BlocksFunction = void (*)(const BlockFormat&, const uint8_t*, absl::Span<float>);

BlocksFunction FunctionOf(const BlockFormat& format) {
  static constexpr std::pair<const char*, BlocksFunction> kFunctions[] = {
      {"F32", Blocks<F32Block>},   {"F16", Blocks<F16Block>},   {"BF16", Blocks<Bf16Block>},
      {"Q8_0", Blocks<Q8_0Block>}, {"Q4_0", Blocks<Q4_0Block>}, {"Q4_1", Blocks<Q4_1Block>},
      {"Q5_0", Blocks<Q5_0Block>}, {"Q5_1", Blocks<Q5_1Block>}, {"Q2_K", Blocks<Q2_KBlock>},
      {"Q3_K", Blocks<Q3_KBlock>}, {"Q4_K", Blocks<Q4_KBlock>}, {"Q5_K", Blocks<Q5_KBlock>},
      {"Q6_K", Blocks<Q6_KBlock>}};
  for (const auto& [name, function] : kFunctions) {
    if (absl::string_view(name) == format.name) return function;
  }
  return nullptr;
}

absl::Status CheckSizes(const BlockFormat& format, size_t bytes, size_t elements) {
  if (elements % format.elements == 0 && elements / format.elements * format.bytes == bytes) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat(elements, " elements of type ", format.name, " do not fit ", bytes, " bytes"));
}

absl::Status QuantizeQ8_0(absl::Span<const float> values, char* out) {
  for (; !values.empty(); values.remove_prefix(32), out += 34) {
    const absl::Span<const float> block = values.subspan(0, 32);
    float largest = 0;
    for (const float value : block) {
      if (!std::isfinite(value)) {
        return absl::InvalidArgumentError(absl::StrCat(value, " cannot be said in Q8_0"));
      }
      largest = std::max(largest, std::fabs(value));
    }
    const float scale = largest / 127;
    const uint16_t half = FloatToHalf(scale);
    if ((half & 0x7fff) == 0x7c00) {
      return absl::InvalidArgumentError(absl::StrCat(largest, " is beyond the range of Q8_0"));
    }
    const float inverse = scale == 0 ? 0 : 1 / scale;
    Write16(half, out);
    for (int i = 0; i < 32; ++i) {
      // The inverse of a scale that is no normal number may be infinite.
      const float quant = std::round(block[i] * inverse);
      out[2 + i] = static_cast<char>(
          static_cast<int8_t>(std::isfinite(quant) ? std::clamp(quant, -127.0f, 127.0f) : 0.0f));
    }
  }
  return absl::OkStatus();
}

absl::Status QuantizeF16(absl::Span<const float> values, char* out) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = FloatToHalf(values[i]);
    if ((half & 0x7fff) == 0x7c00 && std::isfinite(values[i])) {
      return absl::InvalidArgumentError(
          absl::StrCat(values[i], " is beyond the range of F16; BF16 has the range of F32"));
    }
    Write16(half, out + 2 * i);
  }
  return absl::OkStatus();
}

}  // namespace

const BlockFormat* FindBlockFormat(absl::string_view name) {
  for (const BlockFormat& format : kFormats) {
    if (name == format.name) return &format;
  }
  return nullptr;
}

const BlockFormat* FindBlockFormat(uint32_t ggml_id) {
  for (const BlockFormat& format : kFormats) {
    if (ggml_id == format.ggml_id) return &format;
  }
  return nullptr;
}

bool CanDequantize(const BlockFormat& format) { return FunctionOf(format) != nullptr; }

absl::Status Dequantize(const BlockFormat& format, absl::Span<const char> blocks,
                        absl::Span<float> out) {
  const BlocksFunction function = FunctionOf(format);
  if (function == nullptr) {
    return absl::UnimplementedError(
        absl::StrCat("elements of type ", format.name, " cannot be converted"));
  }
  if (const absl::Status fit = CheckSizes(format, blocks.size(), out.size()); !fit.ok()) return fit;
  function(format, reinterpret_cast<const uint8_t*>(blocks.data()), out);
  return absl::OkStatus();
}

absl::Status Quantize(const BlockFormat& format, absl::Span<const float> values,
                      absl::Span<char> out) {
  if (const absl::Status fit = CheckSizes(format, out.size(), values.size()); !fit.ok()) return fit;
  const absl::string_view name = format.name;
  if (name == "Q8_0") return QuantizeQ8_0(values, out.data());
  if (name == "F16") return QuantizeF16(values, out.data());
  if (name == "BF16") {
    for (size_t i = 0; i < values.size(); ++i) {
      Write16(FloatToBfloat16(values[i]), out.data() + 2 * i);
    }
    return absl::OkStatus();
  }
  if (name == "F32") {
    for (size_t i = 0; i < values.size(); ++i) {
      const auto bits = std::bit_cast<uint32_t>(values[i]);
      Write16(static_cast<uint16_t>(bits & 0xffff), out.data() + 4 * i);
      Write16(static_cast<uint16_t>(bits >> 16), out.data() + 4 * i + 2);
    }
    return absl::OkStatus();
  }
  return absl::UnimplementedError(absl::StrCat("cannot write elements of type ", name));
}

float HalfToFloat(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 31;
  const uint32_t fraction = half & 1023;
  if (exponent == 0) {  // zero and what is below the normal numbers
    const float magnitude = static_cast<float>(fraction) * 0x1p-24f;
    return std::bit_cast<float>(sign | std::bit_cast<uint32_t>(magnitude));
  }
  if (exponent == 31) return std::bit_cast<float>(sign | 0x7f800000 | fraction << 13);
  return std::bit_cast<float>(sign | (exponent + 112) << 23 | fraction << 13);
}

uint16_t FloatToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000);
  uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) {  // not a number: stays one, quiet
    return static_cast<uint16_t>(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  }
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // from 65520 the nearest is infinity
  if (magnitude < 0x38800000) {
    // Below 2^-14: a half's steps are 2^-24, which are those of a float between 0.5 and 1.
    const float shifted = std::bit_cast<float>(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (std::bit_cast<uint32_t>(shifted) - 0x3f000000));
  }
  magnitude += 0xfff + (magnitude >> 13 & 1);  // to the nearest, ties to even
  return static_cast<uint16_t>(sign | (magnitude - (112u << 23)) >> 13);
}

uint16_t FloatToBfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if ((bits & 0x7fffffff) > 0x7f800000) return static_cast<uint16_t>(bits >> 16 | 64);
  return static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16);
}

}  // namespace grpo
