// Arithmetic modulo primes of 61 bits.
#pragma once

#include <cstdint>
#include <vector>

namespace grpo {

// Integers modulo a number of at most 63 bits.
class Modulus {
 public:
  explicit Modulus(uint64_t value);  // at least 1

  uint64_t value() const { return value_; }
  uint64_t Add(uint64_t a, uint64_t b) const { return a >= value_ - b ? a - (value_ - b) : a + b; }
  uint64_t Negate(uint64_t a) const { return a == 0 ? 0 : value_ - a; }
  uint64_t Multiply(uint64_t a, uint64_t b) const;
  uint64_t Power(uint64_t base, uint64_t exponent) const;

 private:
  uint64_t value_;
  uint64_t inverse_;  // FLINT's precomputed one
};

// The smallest prime above `start` that leaves 1 when divided by 4, so that -1 has a square root.
// `start` is below 2^62.
class PrimeField {
 public:
  explicit PrimeField(uint64_t start);
  // One of kNumFixed that never change.
  static const PrimeField& Fixed(int index);
  static constexpr int kNumFixed = 3;

  uint64_t prime() const { return modulus_.value(); }
  const Modulus& modulus() const { return modulus_; }
  uint64_t imaginary_unit() const { return imaginary_unit_; }
  uint64_t Inverse(uint64_t a) const;  // of what is not 0

 private:
  Modulus modulus_;
  uint64_t imaginary_unit_;
};

// A good mixture of two numbers; the order counts.
uint64_t MixHash(uint64_t a, uint64_t b);

}  // namespace grpo
