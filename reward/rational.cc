#include "reward/rational.h"

#include <cmath>

#include "absl/strings/str_cat.h"

#include "data/check.h"

namespace grpo {

Rational Rational::FromDigits(absl::string_view digits) {
  Rational result;
  const int failed = fmpz_set_str(fmpq_numref(result.value_), std::string(digits).c_str(), 10);
  GRPO_CHECK(failed == 0);
  return result;
}

Rational Rational::FromDouble(double value) {
  GRPO_CHECK(std::isfinite(value));
  int exponent = 0;
  const double mantissa = std::frexp(value, &exponent);
  Rational result(static_cast<int64_t>(std::ldexp(mantissa, 53)));
  exponent -= 53;
  if (exponent >= 0) {
    fmpq_mul_2exp(result.value_, result.value_, exponent);
  } else {
    fmpq_div_2exp(result.value_, result.value_, -exponent);
  }
  return result;
}

Rational Rational::PowerOfTen(int exponent) {
  Rational result(10);
  fmpq_pow_si(result.value_, result.value_, exponent);
  return result;
}

Rational Rational::operator+(const Rational& other) const {
  Rational result;
  fmpq_add(result.value_, value_, other.value_);
  return result;
}

Rational Rational::operator-(const Rational& other) const {
  Rational result;
  fmpq_sub(result.value_, value_, other.value_);
  return result;
}

Rational Rational::operator*(const Rational& other) const {
  Rational result;
  fmpq_mul(result.value_, value_, other.value_);
  return result;
}

Rational Rational::operator/(const Rational& other) const {
  GRPO_CHECK(!other.IsZero());
  Rational result;
  fmpq_div(result.value_, value_, other.value_);
  return result;
}

Rational Rational::operator-() const {
  Rational result;
  fmpq_neg(result.value_, value_);
  return result;
}

Rational Rational::Absolute() const {
  Rational result;
  fmpq_abs(result.value_, value_);
  return result;
}

std::string Rational::ToString() const {
  char* const text = fmpq_get_str(nullptr, 10, value_);
  const std::string copy = text;
  flint_free(text);
  constexpr size_t kLongest = 60;
  if (copy.size() <= kLongest) return copy;
  return absl::StrCat(copy.substr(0, kLongest / 2), "…", copy.substr(copy.size() - kLongest / 2));
}

}  // namespace grpo
