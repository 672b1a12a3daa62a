#include "reward/number_text.h"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "reward/unit_text.h"

namespace grpo {
namespace {

constexpr size_t kMaxDigits = 1000;
constexpr int kMaxExponent = 1000;

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// Takes the digits at the front of `rest` away.
absl::string_view TakeDigits(absl::string_view& rest) {
  size_t count = 0;
  while (count < rest.size() && IsDigit(rest[count])) ++count;
  const absl::string_view digits = rest.substr(0, count);
  rest.remove_prefix(count);
  return digits;
}

// The length of the group of three digits behind `separator` at the front, 0 if there is none.
bool StartsWithGroup(absl::string_view rest, char separator) {
  return rest.size() >= 4 && rest[0] == separator && IsDigit(rest[1]) && IsDigit(rest[2]) &&
         IsDigit(rest[3]) && (rest.size() == 4 || !IsDigit(rest[4]));
}

// Digits with or without groups of thousands: "1234", "1,234", "1 234".
std::string TakeWhole(absl::string_view& rest) {
  std::string digits(TakeDigits(rest));
  if (digits.empty() || digits.size() > 3 || digits[0] == '0' || rest.empty()) return digits;
  const char separator = rest[0];
  if (separator != ',' && separator != ' ') return digits;
  while (StartsWithGroup(rest, separator)) {
    digits.append(rest.data() + 1, 3);
    rest.remove_prefix(4);
  }
  return digits;
}

// The exponent at the front ("e-3"), 0 where there is none; nothing where it is out of bounds.
absl::optional<int> TakeExponent(absl::string_view& rest) {
  if (rest.empty() || (rest[0] != 'e' && rest[0] != 'E')) return 0;
  absl::string_view after = rest.substr(1);
  const bool negative = !after.empty() && after[0] == '-';
  if (!after.empty() && (after[0] == '-' || after[0] == '+')) after.remove_prefix(1);
  const absl::string_view digits = TakeDigits(after);
  if (digits.empty()) return 0;  // the "e" belongs to a unit
  int exponent = 0;
  if (!absl::SimpleAtoi(digits, &exponent) || exponent > kMaxExponent) return absl::nullopt;
  rest = after;
  return negative ? -exponent : exponent;
}

// "42", "3.50", ".5", "1,234.5", "1.2e3".
absl::optional<Rational> TakeDecimal(absl::string_view& rest) {
  absl::string_view ahead = rest;
  std::string digits = TakeWhole(ahead);
  int places = 0;
  if (!ahead.empty() && ahead[0] == '.') {
    absl::string_view after = ahead.substr(1);
    const absl::string_view fraction = TakeDigits(after);
    if (fraction.empty() && digits.empty()) return absl::nullopt;
    digits.append(fraction.data(), fraction.size());
    places = static_cast<int>(std::min(fraction.size(), kMaxDigits));
    ahead = after;
  }
  if (digits.empty() || digits.size() > kMaxDigits) return absl::nullopt;
  const absl::optional<int> exponent = TakeExponent(ahead);
  if (!exponent.has_value()) return absl::nullopt;
  rest = ahead;
  return Rational::FromDigits(digits) * Rational::PowerOfTen(*exponent - places);
}

absl::optional<Rational> TakeSigned(absl::string_view& rest) {
  const bool negative = absl::ConsumePrefix(&rest, "-");
  if (!negative) absl::ConsumePrefix(&rest, "+");
  absl::optional<Rational> value = TakeDecimal(rest);
  if (value.has_value() && negative) return -*value;
  return value;
}

// "{7}" of a \frac.
absl::optional<Rational> TakeBraced(absl::string_view& rest) {
  rest = absl::StripLeadingAsciiWhitespace(rest);
  if (!absl::ConsumePrefix(&rest, "{")) return absl::nullopt;
  rest = absl::StripLeadingAsciiWhitespace(rest);
  absl::optional<Rational> value = TakeSigned(rest);
  rest = absl::StripLeadingAsciiWhitespace(rest);
  if (!absl::ConsumePrefix(&rest, "}")) return absl::nullopt;
  return value;
}

absl::optional<Rational> Quotient(const absl::optional<Rational>& a,
                                  const absl::optional<Rational>& b) {
  if (!a.has_value() || !b.has_value() || b->IsZero()) return absl::nullopt;
  return *a / *b;
}

bool ConsumeFracCommand(absl::string_view& rest) {
  return absl::ConsumePrefix(&rest, "\\frac") || absl::ConsumePrefix(&rest, "\\dfrac") ||
         absl::ConsumePrefix(&rest, "\\tfrac");
}

absl::optional<Rational> TakeFrac(absl::string_view& rest) {
  if (!ConsumeFracCommand(rest)) return absl::nullopt;
  const absl::optional<Rational> numerator = TakeBraced(rest);
  const absl::optional<Rational> denominator = TakeBraced(rest);
  return Quotient(numerator, denominator);
}

// "3 1/2" and "3\frac{1}{2}": whole digits and a fraction of whole digits. Leaves `rest` alone
// where there is none.
absl::optional<Rational> TakeMixed(absl::string_view& rest) {
  absl::string_view ahead = rest;
  const absl::string_view whole = TakeDigits(ahead);
  if (whole.empty() || whole.size() > kMaxDigits) return absl::nullopt;
  const bool space = absl::ConsumePrefix(&ahead, " ");
  absl::optional<Rational> fraction;
  if (absl::string_view command = ahead; ConsumeFracCommand(command)) {
    fraction = TakeFrac(ahead);
  } else if (space) {
    const absl::string_view numerator = TakeDigits(ahead);
    if (!absl::ConsumePrefix(&ahead, "/")) return absl::nullopt;
    const absl::string_view denominator = TakeDigits(ahead);
    if (numerator.empty() || denominator.empty()) return absl::nullopt;
    if (std::max(numerator.size(), denominator.size()) > kMaxDigits) return absl::nullopt;
    fraction = Quotient(Rational::FromDigits(numerator), Rational::FromDigits(denominator));
  }
  if (!fraction.has_value()) return absl::nullopt;
  rest = ahead;
  return Rational::FromDigits(whole) + *fraction;
}

// The amount without its sign.
absl::optional<Rational> TakeAmount(absl::string_view& rest) {
  if (absl::StartsWith(rest, "\\")) return TakeFrac(rest);
  if (absl::optional<Rational> mixed = TakeMixed(rest); mixed.has_value()) return mixed;
  const absl::optional<Rational> value = TakeDecimal(rest);
  absl::string_view ahead = absl::StripLeadingAsciiWhitespace(rest);
  if (!value.has_value() || !absl::ConsumePrefix(&ahead, "/")) return value;
  ahead = absl::StripLeadingAsciiWhitespace(ahead);
  if (ahead.empty() || !(IsDigit(ahead[0]) || ahead[0] == '-' || ahead[0] == '+')) return value;
  rest = ahead;
  return Quotient(value, TakeSigned(rest));
}

// Removes `open` and `close` around the text where they enclose all of it.
absl::string_view Unwrap(absl::string_view text, absl::string_view open, absl::string_view close) {
  if (text.size() <= open.size() + close.size()) return text;
  absl::string_view inside = text;
  if (!absl::ConsumePrefix(&inside, open) || !absl::ConsumeSuffix(&inside, close)) return text;
  return inside.find(open) == absl::string_view::npos ? inside : text;
}

std::string TakeCurrency(absl::string_view& rest) {
  for (const absl::string_view sign : {"\\$", "$", "€", "£", "¥"}) {
    if (absl::ConsumePrefix(&rest, sign)) {
      rest = absl::StripLeadingAsciiWhitespace(rest);
      return std::string(absl::StripPrefix(sign, "\\"));
    }
  }
  return "";
}

}  // namespace

std::string NormalizeAnswerText(absl::string_view text) {
  // U+2212 minus, U+2013 en dash, U+FE63 small hyphen-minus; U+00A0, U+2009 and U+202F spaces.
  std::string normalized = absl::StrReplaceAll(text, {{"\u2212", "-"},
                                                      {"\u2013", "-"},
                                                      {"\uFE63", "-"},
                                                      {"\u00A0", " "},
                                                      {"\u2009", " "},
                                                      {"\u202F", " "}});
  absl::RemoveExtraAsciiWhitespace(&normalized);
  std::replace_if(
      normalized.begin(), normalized.end(), [](unsigned char c) { return absl::ascii_isspace(c); },
      ' ');
  absl::string_view rest = normalized;
  if (rest.size() > 1) absl::ConsumeSuffix(&rest, ".");
  rest = Unwrap(Unwrap(rest, "$", "$"), "\\(", "\\)");
  return std::string(absl::StripAsciiWhitespace(rest));
}

absl::optional<WrittenNumber> ParseNumber(absl::string_view normalized) {
  absl::string_view rest = normalized;
  WrittenNumber number;
  number.unit = TakeCurrency(rest);
  const bool negative = absl::ConsumePrefix(&rest, "-");
  if (!negative) absl::ConsumePrefix(&rest, "+");
  if (number.unit.empty()) number.unit = TakeCurrency(rest);
  rest = absl::StripLeadingAsciiWhitespace(rest);
  const absl::optional<Rational> amount = TakeAmount(rest);
  if (!amount.has_value()) return absl::nullopt;
  number.value = negative ? -*amount : *amount;
  if (rest.empty()) return number;
  if (!number.unit.empty()) return absl::nullopt;
  number.percent = IsPercent(rest);
  if (number.percent) return number;
  absl::optional<std::string> unit = ParseUnit(rest);
  if (!unit.has_value()) return absl::nullopt;
  number.unit = *std::move(unit);
  return number;
}

}  // namespace grpo
