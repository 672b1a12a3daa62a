#include "data/jinja/number.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

constexpr double kTwoTo63 = 9223372036854775808.0;

absl::Status TooBig() {
  return absl::OutOfRangeError("the result needs more than the 64 bits that integers have here");
}

absl::Status DivisionByZero() { return absl::InvalidArgumentError("division by zero"); }

int DigitValue(char digit) {
  if (absl::ascii_isdigit(digit)) return digit - '0';
  if (absl::ascii_isalpha(digit)) return absl::ascii_tolower(digit) - 'a' + 10;
  return 36;
}

// Takes the underscores out; nothing where one does not stand between two digits.
absl::optional<std::string> WithoutUnderscores(absl::string_view text) {
  std::string digits;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      digits.push_back(text[i]);
    } else if (i == 0 || i + 1 == text.size() || !absl::ascii_isalnum(text[i - 1]) ||
               !absl::ascii_isalnum(text[i + 1])) {
      return absl::nullopt;
    }
  }
  return digits;
}

bool ConsumeSign(absl::string_view* text) {
  const bool negative = absl::StartsWith(*text, "-");
  if (negative || absl::StartsWith(*text, "+")) text->remove_prefix(1);
  return negative;
}

// Takes "0x", "0o" or "0b" away where the base goes with it; base 0 becomes the one written.
void ConsumeBasePrefix(absl::string_view* text, int* base) {
  if (text->size() > 1 && (*text)[0] == '0') {
    const char letter = absl::ascii_tolower((*text)[1]);
    const int written = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
    if (written != 0 && (*base == 0 || *base == written)) {
      *base = written;
      text->remove_prefix(2);
      if (absl::StartsWith(*text, "_")) text->remove_prefix(1);
    }
  }
  if (*base == 0) *base = 10;
}

}  // namespace

std::string FloatText(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number < 0 ? "-inf" : "inf";
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof(buffer), number, std::chars_format::scientific).ptr;
  const absl::string_view written(buffer, end - buffer);
  const size_t e = written.find('e');
  int exponent = 0;
  (void)absl::SimpleAtoi(written.substr(e + 1), &exponent);
  absl::string_view mantissa = written.substr(0, e);
  const std::string sign = ConsumeSign(&mantissa) ? "-" : "";
  const std::string digits =
      absl::StrCat(mantissa.substr(0, 1), mantissa.substr(std::min<size_t>(2, mantissa.size())));
  const int count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16) {
    const std::string fraction = count > 1 ? absl::StrCat(".", digits.substr(1)) : "";
    return absl::StrFormat("%s%c%se%c%02d", sign, digits[0], fraction, exponent < 0 ? '-' : '+',
                           std::abs(exponent));
  }
  if (exponent < 0) return absl::StrCat(sign, "0.", std::string(-exponent - 1, '0'), digits);
  if (count <= exponent + 1) {
    return absl::StrCat(sign, digits, std::string(exponent + 1 - count, '0'), ".0");
  }
  return absl::StrCat(sign, digits.substr(0, exponent + 1), ".", digits.substr(exponent + 1));
}

absl::StatusOr<absl::optional<int64_t>> ParseInt(absl::string_view text, int base) {
  text = Strip(text, absl::nullopt, Side::kBoth);
  const bool negative = ConsumeSign(&text);
  const bool base_is_open = base == 0;
  ConsumeBasePrefix(&text, &base);
  const auto digits = WithoutUnderscores(text);
  if (!digits.has_value() || digits->empty()) return absl::nullopt;
  uint64_t magnitude = 0;
  bool too_big = false;
  for (const char digit : *digits) {
    const int value = DigitValue(digit);
    if (value >= base) return absl::nullopt;
    if (magnitude > (uint64_t{1} << 63) / base) too_big = true;
    if (!too_big) magnitude = magnitude * base + value;
  }
  // Of the literals, only zero may start with a zero.
  if (base_is_open && base == 10 && digits->size() > 1 && (*digits)[0] == '0' &&
      (magnitude != 0 || too_big)) {
    return absl::nullopt;
  }
  const uint64_t limit = (uint64_t{1} << 63) - (negative ? 0 : 1);
  if (too_big || magnitude > limit) return TooBig();
  return static_cast<int64_t>(negative ? 0 - magnitude : magnitude);
}

absl::optional<double> ParseFloat(absl::string_view text) {
  text = Strip(text, absl::nullopt, Side::kBoth);
  const bool negative = ConsumeSign(&text);
  const std::string word = absl::AsciiStrToLower(text);
  const double sign = negative ? -1.0 : 1.0;
  if (word == "inf" || word == "infinity") {
    return sign * std::numeric_limits<double>::infinity();
  }
  if (word == "nan") return std::numeric_limits<double>::quiet_NaN();
  const auto digits = WithoutUnderscores(text);
  if (!digits.has_value() || digits->empty()) return absl::nullopt;
  if (digits->find_first_not_of("0123456789.eE+-") != std::string::npos) return absl::nullopt;
  if (!absl::ascii_isdigit((*digits)[0]) && (*digits)[0] != '.') return absl::nullopt;
  char* end = nullptr;
  const double number = std::strtod(digits->c_str(), &end);
  if (end != digits->c_str() + digits->size()) return absl::nullopt;
  return sign * number;
}

absl::StatusOr<int64_t> AddInts(int64_t left, int64_t right) {
  int64_t sum = 0;
  if (__builtin_add_overflow(left, right, &sum)) return TooBig();
  return sum;
}

absl::StatusOr<int64_t> SubtractInts(int64_t left, int64_t right) {
  int64_t difference = 0;
  if (__builtin_sub_overflow(left, right, &difference)) return TooBig();
  return difference;
}

absl::StatusOr<int64_t> MultiplyInts(int64_t left, int64_t right) {
  int64_t product = 0;
  if (__builtin_mul_overflow(left, right, &product)) return TooBig();
  return product;
}

absl::StatusOr<int64_t> FloorDivideInts(int64_t left, int64_t right) {
  if (right == 0) return DivisionByZero();
  if (right == -1) return SubtractInts(0, left);
  const int64_t quotient = left / right;
  return left % right != 0 && (left < 0) != (right < 0) ? quotient - 1 : quotient;
}

absl::StatusOr<int64_t> ModuloInts(int64_t left, int64_t right) {
  if (right == 0) return DivisionByZero();
  if (right == -1) return 0;
  const int64_t rest = left % right;
  return rest != 0 && (rest < 0) != (right < 0) ? rest + right : rest;
}

absl::StatusOr<int64_t> PowerInts(int64_t base, int64_t exponent) {
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  int64_t power = 1;
  for (; exponent > 0; --exponent) {  // at most 63 rounds before it is too big
    if (__builtin_mul_overflow(power, base, &power)) return TooBig();
  }
  return power;
}

absl::StatusOr<double> DivideFloats(double left, double right) {
  if (right == 0) return DivisionByZero();
  return left / right;
}

absl::StatusOr<double> FloorDivideFloats(double left, double right) {
  if (right == 0) return DivisionByZero();
  double rest = std::fmod(left, right);
  double quotient = (left - rest) / right;
  if (rest != 0 && (right < 0) != (rest < 0)) quotient -= 1.0;
  if (quotient == 0) return std::copysign(0.0, left / right);
  const double floor = std::floor(quotient);
  return quotient - floor > 0.5 ? floor + 1.0 : floor;
}

absl::StatusOr<double> ModuloFloats(double left, double right) {
  if (right == 0) return DivisionByZero();
  const double rest = std::fmod(left, right);
  if (rest == 0) return std::copysign(0.0, right);
  return (right < 0) != (rest < 0) ? rest + right : rest;
}

absl::StatusOr<double> PowerFloats(double base, double exponent) {
  if (base == 0 && exponent < 0) return DivisionByZero();
  if (base < 0 && std::isfinite(base) && std::isfinite(exponent) &&
      exponent != std::floor(exponent)) {
    return absl::InvalidArgumentError(
        "a fractional power of a negative number would be a complex number");
  }
  const double power = std::pow(base, exponent);
  if (std::isinf(power) && std::isfinite(base) && std::isfinite(exponent)) {
    return absl::OutOfRangeError("the result is too large for a float");
  }
  return power;
}

absl::StatusOr<int64_t> Truncate(double number) {
  if (std::isnan(number)) return absl::InvalidArgumentError("nan has no integer part");
  const double whole = std::trunc(number);
  if (!(whole >= -kTwoTo63 && whole < kTwoTo63)) return TooBig();
  return static_cast<int64_t>(whole);
}

absl::StatusOr<double> RoundFloat(double number, int64_t digits) {
  if (!std::isfinite(number) || digits > 323) return number;
  if (digits < -308) return std::copysign(0.0, number);
  if (digits < 0) {
    const double step = std::pow(10.0, static_cast<double>(-digits));
    const double quotient = std::nearbyint(number / step);
    const double rounded = quotient * step;
    return rounded == 0 ? std::copysign(0.0, number) : rounded;
  }
  char buffer[700];
  const int size = std::snprintf(buffer, sizeof(buffer), "%.*f", static_cast<int>(digits), number);
  if (size < 0 || static_cast<size_t>(size) >= sizeof(buffer)) return number;
  return std::strtod(buffer, nullptr);
}

absl::StatusOr<int64_t> RoundInt(int64_t number, int64_t digits) {
  if (digits >= 0) return number;
  if (digits < -18) return 0;
  int64_t step = 1;
  for (; digits < 0; ++digits) step *= 10;
  const int64_t rest = *ModuloInts(number, step);
  ASSIGN_OR_RETURN(const int64_t below, SubtractInts(number, rest));
  if (rest < step - rest || (rest == step - rest && (below / step) % 2 == 0)) return below;
  return AddInts(below, step);
}

absl::optional<int> CompareIntToFloat(int64_t left, double right) {
  if (std::isnan(right)) return absl::nullopt;
  if (right >= kTwoTo63) return -1;
  if (right < -kTwoTo63) return 1;
  const auto whole = static_cast<int64_t>(right);
  if (left != whole) return left < whole ? -1 : 1;
  const double fraction = right - static_cast<double>(whole);
  return fraction > 0 ? -1 : fraction < 0 ? 1 : 0;
}

}  // namespace grpo::jinja
