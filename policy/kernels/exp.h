// The exponential function of the kernels, of a number or of a vector's lanes alike.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "policy/kernels/vectors.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

inline double Exp(double x) { return std::exp(x); }

// Integers of the width of Float's numbers, as many of them.
template <typename Float>
struct IntegersOf {
  using Type = decltype(Float{} < Float{});
};
template <>
struct IntegersOf<float> {
  using Type = int32_t;
};

// Within 2 units in the last place of exp on the whole range; branch-free so that loops over it
// vectorise. exp(x) = 2^n exp(r), |r| <= ln(2)/2, the polynomial being the Taylor series to the
// seventh power.
template <typename Float>
[[gnu::always_inline]] inline Float Exp(Float x) {
  using Integers = typename IntegersOf<Float>::Type;
  const Float zero = {}, lowest = zero - 87.3f, highest = zero + 88.7f;
  const Float raised = x < lowest ? lowest : x;
  const Float clamped = highest < raised ? highest : raised;
  const Float shifted =
      clamped * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23 rounds to an integer
  const Float n = shifted - 12582912.0f;
  Float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  Float p = zero + 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  Integers bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  const Integers exponent = (bits << 23) + 0x3f800000;
  Float power;
  std::memcpy(&power, &exponent, sizeof(power));
  return x < lowest ? zero : p * power;
}

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
