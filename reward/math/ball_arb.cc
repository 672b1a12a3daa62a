#include <algorithm>
#include <new>
#include <utility>

#include <acb.h>
#include <acb_hypgeom.h>
#include <arb.h>
#include <flint/flint.h>

#include "reward/math/ball.h"

namespace grpo {
namespace {

static_assert(sizeof(acb_struct) <= sizeof(Ball) && alignof(acb_struct) <= alignof(Ball));

// Above such powers of two, functions with a period or of exponential growth say nothing.
constexpr int64_t kMostArgumentBits = 128;
constexpr int64_t kMostExponent = int64_t{1} << 40;

acb_ptr Get(Ball& ball) { return reinterpret_cast<acb_ptr>(&ball); }
acb_srcptr Get(const Ball& ball) { return reinterpret_cast<acb_srcptr>(&ball); }

int64_t Clamp(const fmpz_t exponent) {
  if (fmpz_cmp_si(exponent, kMostExponent) > 0) return kMostExponent;
  if (fmpz_cmp_si(exponent, -kMostExponent) < 0) return -kMostExponent;
  return fmpz_get_si(exponent);
}

bool IsBounded(const Ball& ball) {
  return ball.IsFinite() && ball.UpperExponent() <= kMostArgumentBits;
}

Ball Finite(Ball ball) { return ball.IsFinite() ? ball : Ball::Unknown(); }

// The real function where it has a value, or else the complex one.
template <typename RealFunction, typename ComplexFunction>
Ball RealOrComplex(const Ball& x, int bits, RealFunction real, ComplexFunction complex) {
  Ball result;
  if (x.IsReal()) {
    real(acb_realref(Get(result)), acb_realref(Get(x)), bits);
    if (result.IsFinite()) return result;
    result = Ball();
  }
  complex(Get(result), Get(x), bits);
  return Finite(std::move(result));
}

Ball Reciprocal(const Ball& x, int bits) {
  return Ball::FromRational(Rational(1), bits).Divide(x, bits);
}

Ball Complement(const Ball& angle, int bits) {
  return Ball::Pi(bits).Divide(Ball::FromRational(Rational(2), bits), bits).Subtract(angle, bits);
}

Ball Trigonometric(Op function, const Ball& x, int bits) {
  if (!IsBounded(x)) return Ball::Unknown();
  Ball sine;
  Ball cosine;
  acb_sin_cos(Get(sine), Get(cosine), Get(x), bits);
  switch (function) {
    case Op::kSin:
      return Finite(sine);
    case Op::kCos:
      return Finite(cosine);
    case Op::kTan:
      return sine.Divide(cosine, bits);
    case Op::kCot:
      return cosine.Divide(sine, bits);
    case Op::kSec:
      return Reciprocal(cosine, bits);
    default:
      return Reciprocal(sine, bits);
  }
}

Ball Hyperbolic(Op function, const Ball& x, int bits) {
  if (!IsBounded(x)) return Ball::Unknown();
  Ball sine;
  Ball cosine;
  acb_sinh_cosh(Get(sine), Get(cosine), Get(x), bits);
  if (function == Op::kTanh) return sine.Divide(cosine, bits);
  return Finite(function == Op::kSinh ? sine : cosine);
}

// Arc cotangents lie between 0 and pi.
Ball Inverse(Op function, const Ball& x, int bits) {
  switch (function) {
    case Op::kArcsin:
      return RealOrComplex(x, bits, arb_asin, acb_asin);
    case Op::kArccos:
      return RealOrComplex(x, bits, arb_acos, acb_acos);
    case Op::kArctan:
      return RealOrComplex(x, bits, arb_atan, acb_atan);
    case Op::kArsinh:
      return RealOrComplex(x, bits, arb_asinh, acb_asinh);
    case Op::kArcosh:
      return RealOrComplex(x, bits, arb_acosh, acb_acosh);
    case Op::kArtanh:
      return RealOrComplex(x, bits, arb_atanh, acb_atanh);
    case Op::kArccot:
      return Complement(Inverse(Op::kArctan, x, bits), bits);
    case Op::kArcsec:
      return Inverse(Op::kArccos, Reciprocal(x, bits), bits);
    case Op::kArccsc:
      return Inverse(Op::kArcsin, Reciprocal(x, bits), bits);
    default:
      return Ball::Unknown();
  }
}

Ball RoundToInteger(Op function, const Ball& x, int bits) {
  if (!x.IsReal() || x.UpperExponent() > bits) return Ball::Unknown();
  Ball result;
  (function == Op::kFloor ? arb_floor : arb_ceil)(acb_realref(Get(result)), acb_realref(Get(x)),
                                                  bits);
  return Finite(std::move(result));
}

Ball Factorial(const Ball& x, int bits) {
  if (!IsBounded(x)) return Ball::Unknown();
  const Ball next = x.Add(Ball::FromRational(Rational(1), bits), bits);
  return RealOrComplex(next, bits, arb_gamma, acb_gamma);
}

struct CacheCleaner {
  bool used = false;
  ~CacheCleaner() {
    if (used) flint_cleanup();
  }
};

}  // namespace

bool HasBalls() { return true; }

void FreeNumberCachesAtThreadEnd() {
  static thread_local CacheCleaner cleaner;
  cleaner.used = true;
}

Ball::Ball() { acb_init(Get(*this)); }
Ball::Ball(const Ball& other) : Ball() { acb_set(Get(*this), Get(other)); }
Ball::Ball(Ball&& other) noexcept : Ball() { acb_swap(Get(*this), Get(other)); }
Ball& Ball::operator=(Ball other) noexcept {
  acb_swap(Get(*this), Get(other));
  return *this;
}
Ball::~Ball() { acb_clear(Get(*this)); }

Ball Ball::Unknown() {
  Ball result;
  acb_indeterminate(Get(result));
  return result;
}

Ball Ball::FromRational(const Rational& value, int bits) {
  Ball result;
  arb_set_fmpq(acb_realref(Get(result)), value.flint(), bits);
  return result;
}

Ball Ball::Pi(int bits) {
  Ball result;
  arb_const_pi(acb_realref(Get(result)), bits);
  return result;
}

Ball Ball::ImaginaryUnit() {
  Ball result;
  acb_onei(Get(result));
  return result;
}

bool Ball::IsFinite() const { return acb_is_finite(Get(*this)) != 0; }
bool Ball::IsReal() const { return acb_is_real(Get(*this)) != 0; }
bool Ball::IsExactZero() const { return acb_is_zero(Get(*this)) != 0; }

absl::optional<int> Ball::Sign() const {
  if (!IsReal() || !IsFinite()) return absl::nullopt;
  if (IsExactZero()) return 0;
  if (arb_is_positive(acb_realref(Get(*this)))) return 1;
  if (arb_is_negative(acb_realref(Get(*this)))) return -1;
  return absl::nullopt;
}

absl::optional<int64_t> Ball::SmallInteger() const {
  if (!IsReal() || !arb_is_int(acb_realref(Get(*this))) || UpperExponent() > 62) {
    return absl::nullopt;
  }
  return arf_get_si(arb_midref(acb_realref(Get(*this))), ARF_RND_DOWN);
}

int64_t Ball::UpperExponent() const {
  if (!IsFinite()) return kMostExponent;
  mag_t bound;
  mag_init(bound);
  acb_get_mag(bound, Get(*this));
  const int64_t exponent = mag_is_zero(bound) ? -kMostExponent : Clamp(MAG_EXPREF(bound));
  mag_clear(bound);
  return exponent;
}

int64_t Ball::LowerExponent() const {
  if (!IsFinite()) return -kMostExponent;
  mag_t bound;
  mag_init(bound);
  acb_get_mag_lower(bound, Get(*this));
  const int64_t exponent = mag_is_zero(bound) ? -kMostExponent : Clamp(MAG_EXPREF(bound)) - 1;
  mag_clear(bound);
  return exponent;
}

bool Ball::IsDisjointFrom(const Ball& other) const {
  return IsFinite() && other.IsFinite() && !acb_overlaps(Get(*this), Get(other));
}

Ball Ball::Add(const Ball& other, int bits) const {
  Ball result;
  acb_add(Get(result), Get(*this), Get(other), bits);
  return result;
}

Ball Ball::Subtract(const Ball& other, int bits) const {
  Ball result;
  acb_sub(Get(result), Get(*this), Get(other), bits);
  return result;
}

Ball Ball::Multiply(const Ball& other, int bits) const {
  Ball result;
  acb_mul(Get(result), Get(*this), Get(other), bits);
  return result;
}

Ball Ball::Divide(const Ball& other, int bits) const {
  Ball result;
  acb_div(Get(result), Get(*this), Get(other), bits);
  return Finite(std::move(result));
}

Ball Ball::Negate() const {
  Ball result;
  acb_neg(Get(result), Get(*this));
  return result;
}

Ball Ball::Power(const Ball& exponent, int bits) const {
  if (!IsFinite() || !exponent.IsFinite()) return Unknown();
  if (IsExactZero()) return exponent.Sign() == 1 ? Ball() : Unknown();
  if (const absl::optional<int64_t> integer = exponent.SmallInteger()) {
    Ball result;
    acb_pow_si(Get(result), Get(*this), *integer, bits);
    return Finite(std::move(result));
  }
  return Apply(Op::kLog, bits).Multiply(exponent, bits).Apply(Op::kExp, bits);
}

Ball Ball::SquareRoot(int bits) const {
  Ball result;
  acb_sqrt(Get(result), Get(*this), bits);
  return Finite(std::move(result));
}

Ball Ball::RealRoot(uint64_t degree, int bits) const {
  if (!IsReal() || !arb_is_nonnegative(acb_realref(Get(*this))) || degree == 0) return Unknown();
  Ball result;
  arb_root_ui(acb_realref(Get(result)), acb_realref(Get(*this)), degree, bits);
  return Finite(std::move(result));
}

Ball Ball::Extreme(Op op, const Ball& other, int bits) const {
  if (!IsReal() || !other.IsReal()) return Unknown();
  Ball result;
  (op == Op::kMin ? arb_min : arb_max)(acb_realref(Get(result)), acb_realref(Get(*this)),
                                       acb_realref(Get(other)), bits);
  return Finite(std::move(result));
}

Ball Ball::Apply(Op function, int bits) const {
  if (!IsFinite()) return Unknown();
  Ball result;
  switch (function) {
    case Op::kAbs:
      acb_abs(acb_realref(Get(result)), Get(*this), bits);
      return result;
    case Op::kFloor:
    case Op::kCeiling:
      return RoundToInteger(function, *this, bits);
    case Op::kExp:
      if (!IsBounded(*this)) return Unknown();
      acb_exp(Get(result), Get(*this), bits);
      return Finite(std::move(result));
    case Op::kLog:
      acb_log(Get(result), Get(*this), bits);
      return Finite(std::move(result));
    case Op::kFactorial:
      return Factorial(*this, bits);
    case Op::kSin:
    case Op::kCos:
    case Op::kTan:
    case Op::kCot:
    case Op::kSec:
    case Op::kCsc:
      return Trigonometric(function, *this, bits);
    case Op::kSinh:
    case Op::kCosh:
    case Op::kTanh:
      return Hyperbolic(function, *this, bits);
    default:
      return Inverse(function, *this, bits);
  }
}

}  // namespace grpo
