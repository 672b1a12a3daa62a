// Complex numbers known up to an error: rectangles that certainly hold the true value (arb's acb).
// The only header through which the project uses arb. Where the build found no arb, every result is
// Unknown(): then nothing can be decided this way.
#pragma once

#include <cstdint>

#include "absl/types/optional.h"

#include "reward/math/expression.h"
#include "reward/rational.h"

namespace grpo {

// Whether this build has ball arithmetic.
bool HasBalls();

class Ball {
 public:
  Ball();  // exactly 0
  Ball(const Ball& other);
  Ball(Ball&& other) noexcept;
  Ball& operator=(Ball other) noexcept;
  ~Ball();

  // Any number, or none.
  static Ball Unknown();
  static Ball FromRational(const Rational& value, int bits);
  static Ball Pi(int bits);
  static Ball ImaginaryUnit();

  bool IsFinite() const;
  // The imaginary part is exactly 0.
  bool IsReal() const;
  bool IsExactZero() const;
  // The sign of a real number, where it is certain.
  absl::optional<int> Sign() const;
  // Where it is exactly an integer that fits.
  absl::optional<int64_t> SmallInteger() const;
  // e such that the absolute value is certainly below 2^e, within ±2^40; and such that it is
  // certainly at least 2^e (-2^40 where it may be 0).
  int64_t UpperExponent() const;
  int64_t LowerExponent() const;
  bool IsDisjointFrom(const Ball& other) const;

  // Results are calculated with so many bits. What has no value, or too large a one, is Unknown().
  Ball Add(const Ball& other, int bits) const;
  Ball Subtract(const Ball& other, int bits) const;
  Ball Multiply(const Ball& other, int bits) const;
  Ball Divide(const Ball& other, int bits) const;
  Ball Negate() const;
  // The principal value.
  Ball Power(const Ball& exponent, int bits) const;
  Ball SquareRoot(int bits) const;
  // Of a real number that is not negative, or Unknown().
  Ball RealRoot(uint64_t degree, int bits) const;
  // The smaller or larger of two real numbers.
  Ball Extreme(Op op, const Ball& other, int bits) const;
  // kAbs, kFloor, kCeiling, kExp, kLog (natural, principal), kFactorial (through the gamma
  // function), the trigonometric and hyperbolic functions and their inverses.
  Ball Apply(Op function, int bits) const;

 private:
  alignas(8) unsigned char storage_[96];
};

// Frees at the end of a thread what FLINT, arb and Calcium have cached for it. Call it in each
// thread before using them; it costs next to nothing.
void FreeNumberCachesAtThreadEnd();

}  // namespace grpo
