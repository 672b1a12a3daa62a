#include "reward/math/small_fraction.h"

#include <limits>
#include <numeric>
#include <string>
#include <utility>

namespace grpo {
namespace {

using Wide = __int128;

Wide Gcd(Wide a, Wide b) {
  while (b != 0) a = std::exchange(b, a % b);
  return a < 0 ? -a : a;
}

absl::optional<SmallFraction> Reduced(Wide numerator, Wide denominator) {
  if (denominator == 0) return absl::nullopt;
  const Wide divisor = Gcd(numerator, denominator) * (denominator < 0 ? -1 : 1);
  numerator /= divisor;
  denominator /= divisor;
  constexpr Wide kLimit = std::numeric_limits<int64_t>::max();
  if (numerator > kLimit || numerator < -kLimit || denominator > kLimit) return absl::nullopt;
  return SmallFraction{static_cast<int64_t>(numerator), static_cast<int64_t>(denominator)};
}

absl::optional<SmallFraction> Number(const std::string& text) {
  if (text.size() > 18) return absl::nullopt;
  Wide numerator = 0, denominator = 1;
  bool fraction = false;
  for (const char c : text) {
    if (c == '.') {
      fraction = true;
      continue;
    }
    numerator = numerator * 10 + (c - '0');
    if (fraction) denominator *= 10;
  }
  return Reduced(numerator, denominator);
}

absl::optional<SmallFraction> Combine(Op op, const SmallFraction& a, const SmallFraction& b) {
  const Wide an = a.numerator, ad = a.denominator, bn = b.numerator, bd = b.denominator;
  if (op == Op::kMultiply) return Reduced(an * bn, ad * bd);
  if (op == Op::kDivide) return Reduced(an * bd, ad * bn);
  // The products are below 2^126, so their sum fits.
  return Reduced(an * bd + bn * ad, ad * bd);
}

}  // namespace

absl::optional<SmallFraction> ValueOf(const Answer& answer) {
  if (answer.form != AnswerForm::kScalar) return absl::nullopt;
  switch (answer.op) {
    case Op::kNumber:
      return Number(answer.text);
    case Op::kNegate: {
      absl::optional<SmallFraction> value = ValueOf(answer.parts[0]);
      if (value.has_value()) value->numerator = -value->numerator;
      return value;
    }
    case Op::kAdd:
    case Op::kMultiply:
    case Op::kDivide: {
      absl::optional<SmallFraction> value = ValueOf(answer.parts[0]);
      for (size_t i = 1; i < answer.parts.size() && value.has_value(); ++i) {
        const absl::optional<SmallFraction> next = ValueOf(answer.parts[i]);
        value = next.has_value() ? Combine(answer.op, *value, *next) : absl::nullopt;
      }
      return value;
    }
    default:
      return absl::nullopt;
  }
}

Answer FractionAnswer(const SmallFraction& fraction) {
  const bool negative = fraction.numerator < 0;
  Answer result = MakeNumber(std::to_string(negative ? -fraction.numerator : fraction.numerator));
  if (fraction.denominator != 1) {
    std::vector<Answer> parts;
    parts.push_back(std::move(result));
    parts.push_back(MakeNumber(std::to_string(fraction.denominator)));
    result = MakeScalar(Op::kDivide, std::move(parts));
  }
  return negative ? MakeScalar(Op::kNegate, {std::move(result)}) : result;
}

}  // namespace grpo
