// Random numbers for tests of kernels, and their rounding to bfloat16.
#pragma once

#include <bit>
#include <cstdint>
#include <random>
#include <vector>

#include "policy/kernels/kernels.h"

namespace grpo {

using Floats = std::vector<float>;

inline Floats RandomFloats(int64_t count, int seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Floats values(count);
  for (float& value : values) value = normal(generator);
  return values;
}

// To the nearest, ties to even.
inline BFloat16 Round(float value) {
  const uint32_t bits = std::bit_cast<uint32_t>(value);
  return {static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

}  // namespace grpo
