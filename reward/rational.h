// An exact fraction of integers of any size (FLINT's fmpq).
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include <flint/fmpq.h>

namespace grpo {

// Always in lowest terms. Copying is linear in the number's size.
class Rational {
 public:
  explicit Rational(int64_t value = 0) {
    fmpq_init(value_);
    fmpq_set_si(value_, value, 1);
  }
  Rational(const Rational& other) {
    fmpq_init(value_);
    fmpq_set(value_, other.value_);
  }
  Rational(Rational&& other) noexcept : Rational() { fmpq_swap(value_, other.value_); }
  Rational& operator=(Rational other) noexcept {
    fmpq_swap(value_, other.value_);
    return *this;
  }
  ~Rational() { fmpq_clear(value_); }

  // `digits` is one or more of 0 to 9.
  static Rational FromDigits(absl::string_view digits);
  // The exact value of a finite double.
  static Rational FromDouble(double value);
  // 10^exponent; the caller bounds it.
  static Rational PowerOfTen(int exponent);

  Rational operator+(const Rational& other) const;
  Rational operator-(const Rational& other) const;
  Rational operator*(const Rational& other) const;
  // `other` is not zero.
  Rational operator/(const Rational& other) const;
  Rational operator-() const;
  Rational Absolute() const;

  bool operator==(const Rational& other) const { return fmpq_equal(value_, other.value_) != 0; }
  bool operator!=(const Rational& other) const { return !(*this == other); }
  bool operator<=(const Rational& other) const { return fmpq_cmp(value_, other.value_) <= 0; }
  bool IsZero() const { return fmpq_is_zero(value_) != 0; }

  // FLINT's own number, for what this class has no function for.
  fmpq* flint() { return value_; }
  const fmpq* flint() const { return value_; }

  // "7/2", "-3"; long numbers are shortened in the middle.
  std::string ToString() const;

 private:
  fmpq_t value_;
};

}  // namespace grpo
