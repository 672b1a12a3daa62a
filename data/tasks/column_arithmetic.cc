#include "data/tasks/column_arithmetic.h"

#include <algorithm>

#include "absl/strings/str_format.h"

#include "data/check.h"

namespace grpo {
namespace {

int64_t PowerOfTen(int exponent) {
  int64_t power = 1;
  for (int i = 0; i < exponent; ++i) power *= 10;
  return power;
}

}  // namespace

int64_t NumberOfDigits(int digits, RandomStream& random) {
  GRPO_CHECK(digits >= 1 && digits <= 17);
  return random.Between(PowerOfTen(digits - 1), PowerOfTen(digits) - 1);
}

int DigitCount(int64_t number) {
  int count = 1;
  for (; number >= 10; number /= 10) ++count;
  return count;
}

std::string AdditionColumns(int64_t a, int64_t b) {
  std::string columns;
  int carry = 0;
  for (int left = std::max(DigitCount(a), DigitCount(b)); left > 0; --left, a /= 10, b /= 10) {
    const int sum = static_cast<int>(a % 10 + b % 10) + carry;
    absl::StrAppendFormat(&columns, "%d+%d+%d=%02d%s", a % 10, b % 10, carry, sum,
                          left > 1 ? " " : "");
    carry = sum / 10;
  }
  return columns;
}

std::string SubtractionColumns(int64_t a, int64_t b) {
  GRPO_CHECK(a >= b);
  std::string columns;
  int borrow = 0;
  for (int left = DigitCount(a); left > 0; --left, a /= 10, b /= 10) {
    const int difference = static_cast<int>(a % 10 - b % 10) - borrow;
    const int next_borrow = difference < 0 ? 1 : 0;
    absl::StrAppendFormat(&columns, "%d-%d-%d=%d%d%s", a % 10, b % 10, borrow, next_borrow,
                          difference + 10 * next_borrow, left > 1 ? " " : "");
    borrow = next_borrow;
  }
  return columns;
}

std::string MultiplicationColumns(int64_t a, int digit, int carry) {
  std::string columns;
  for (int left = DigitCount(a); left > 0; --left, a /= 10) {
    const int product = static_cast<int>(a % 10) * digit;
    absl::StrAppendFormat(&columns, "%d*%d=%02d+%d=%02d%s", a % 10, digit, product, carry,
                          product + carry, left > 1 ? " " : "");
    carry = (product + carry) / 10;
  }
  return columns;
}

int64_t NumericGuess(int64_t answer, RandomStream& random) {
  const int64_t magnitude = answer < 0 ? -answer : answer;
  const int64_t guess = random.Between(magnitude / 2, 2 * magnitude + 10);
  return answer < 0 ? -guess : guess;
}

}  // namespace grpo
