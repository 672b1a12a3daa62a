#include "reward/math/prime_field.h"

#include <flint/ulong_extras.h>

namespace grpo {
namespace {

uint64_t PrimeAbove(uint64_t start) {
  uint64_t prime = start;
  do {
    prime = n_nextprime(prime, 0);
  } while (prime % 4 != 1);
  return prime;
}

}  // namespace

Modulus::Modulus(uint64_t value) : value_(value), inverse_(n_preinvert_limb(value)) {}

uint64_t Modulus::Multiply(uint64_t a, uint64_t b) const {
  return n_mulmod2_preinv(a, b, value_, inverse_);
}

uint64_t Modulus::Power(uint64_t base, uint64_t exponent) const {
  return value_ == 1 ? 0 : n_powmod2_ui_preinv(base, exponent, value_, inverse_);
}

PrimeField::PrimeField(uint64_t start)
    : modulus_(PrimeAbove(start)), imaginary_unit_(n_sqrtmod(prime() - 1, prime())) {}

const PrimeField& PrimeField::Fixed(int index) {
  static const PrimeField fields[kNumFixed] = {PrimeField(0x1b39a3c8e5d10f27),
                                               PrimeField(0x16e0f4719ab2c385),
                                               PrimeField(0x1dc05b7724e8613b)};
  return fields[index];
}

uint64_t PrimeField::Inverse(uint64_t a) const { return n_invmod(a, prime()); }

uint64_t MixHash(uint64_t a, uint64_t b) {
  uint64_t x = a * 0x9e3779b97f4a7c15 + b + 0x632be59bd9b4e019;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

}  // namespace grpo
