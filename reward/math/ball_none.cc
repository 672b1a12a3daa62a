// Balls for a build without arb: nothing is known of any.
#include <flint/flint.h>

#include "reward/math/ball.h"

namespace grpo {
namespace {

struct CacheCleaner {
  bool used = false;
  ~CacheCleaner() {
    if (used) flint_cleanup();
  }
};

}  // namespace

bool HasBalls() { return false; }

void FreeNumberCachesAtThreadEnd() {
  static thread_local CacheCleaner cleaner;
  cleaner.used = true;
}

Ball::Ball() : storage_() {}
Ball::Ball(const Ball&) : storage_() {}
Ball::Ball(Ball&&) noexcept : storage_() {}
Ball& Ball::operator=(Ball) noexcept { return *this; }
Ball::~Ball() = default;

Ball Ball::Unknown() { return Ball(); }
Ball Ball::FromRational(const Rational&, int) { return Ball(); }
Ball Ball::Pi(int) { return Ball(); }
Ball Ball::ImaginaryUnit() { return Ball(); }
bool Ball::IsFinite() const { return false; }
bool Ball::IsReal() const { return false; }
bool Ball::IsExactZero() const { return false; }
absl::optional<int> Ball::Sign() const { return absl::nullopt; }
absl::optional<int64_t> Ball::SmallInteger() const { return absl::nullopt; }
int64_t Ball::UpperExponent() const { return int64_t{1} << 40; }
int64_t Ball::LowerExponent() const { return -(int64_t{1} << 40); }
bool Ball::IsDisjointFrom(const Ball&) const { return false; }
Ball Ball::Add(const Ball&, int) const { return Ball(); }
Ball Ball::Subtract(const Ball&, int) const { return Ball(); }
Ball Ball::Multiply(const Ball&, int) const { return Ball(); }
Ball Ball::Divide(const Ball&, int) const { return Ball(); }
Ball Ball::Negate() const { return Ball(); }
Ball Ball::Power(const Ball&, int) const { return Ball(); }
Ball Ball::SquareRoot(int) const { return Ball(); }
Ball Ball::RealRoot(uint64_t, int) const { return Ball(); }
Ball Ball::Extreme(Op, const Ball&, int) const { return Ball(); }
Ball Ball::Apply(Op, int) const { return Ball(); }

}  // namespace grpo
