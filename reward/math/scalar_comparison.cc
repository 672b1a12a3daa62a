#include "reward/math/scalar_comparison.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "reward/math/assignment.h"
#include "reward/math/interval.h"
#include "reward/math/small_fraction.h"

namespace grpo {
namespace {

constexpr int kLadderBudget = 400;     // in a comparison, see LadderCost()
constexpr int kMaxUndecidedCalls = 2;  // each of which may cost milliseconds

// Digits from the first that is not zero.
int SignificantDigits(const std::string& number) {
  int digits = 0;
  for (const char c : number) {
    if (c != '.' && (digits > 0 || c != '0')) ++digits;
  }
  return digits;
}

int Decimals(const std::string& number) {
  const size_t point = number.find('.');
  return point == std::string::npos ? 0 : static_cast<int>(number.size() - point) - 1;
}

// The number of a decimal with its sign stripped; null where the answer is something else.
const Answer* AsDecimal(const Answer& answer) {
  const Answer* number = IsOp(answer, Op::kNegate) ? &answer.parts[0] : &answer;
  const bool decimal = IsOp(*number, Op::kNumber) && number->text.find('.') != std::string::npos;
  return decimal ? number : nullptr;
}

bool HasFiniteDecimal(const Answer& answer) {
  absl::optional<SmallFraction> value = ValueOf(answer);
  const Answer& magnitude = IsOp(answer, Op::kNegate) ? answer.parts[0] : answer;
  if (IsOp(magnitude, Op::kNumber)) return true;
  if (!value.has_value()) return false;
  for (const int64_t prime : {2, 5}) {
    while (value->denominator % prime == 0) value->denominator /= prime;
  }
  return value->denominator == 1;
}

}  // namespace

MathComparison Equal(const char* reason) { return {MathVerdict::kEqual, reason}; }
MathComparison Different(const char* reason) { return {MathVerdict::kNotEqual, reason}; }
MathComparison Undecided(const char* reason) { return {MathVerdict::kUndecided, reason}; }

bool IsOp(const Answer& answer, Op op) {
  return answer.form == AnswerForm::kScalar && answer.op == op;
}

Answer Difference(const Answer& a, const Answer& b) {
  return MakeScalar(Op::kAdd, {a, MakeScalar(Op::kNegate, {b})});
}

MathComparison ScalarComparer::Compare(const Answer& a, const Answer& b) {
  if (const auto special = SpecialScalars(a, b)) return *special;
  const MathComparison exact = ExactScalars(a, b);
  if (exact.verdict == MathVerdict::kEqual) return exact;
  if (Close(a, b)) return Equal("equal within the precision");
  return exact;
}

absl::optional<MathComparison> ScalarComparer::SpecialScalars(const Answer& a, const Answer& b) {
  for (const Op op : {Op::kDegrees, Op::kPercent}) {
    if (IsOp(a, op) == IsOp(b, op)) continue;
    const Answer& marked = IsOp(a, op) ? a : b;
    const Answer& plain = IsOp(a, op) ? b : a;
    // A mark upon a mark is nobody's short form; to take thousands of them off costs seconds.
    if (IsOp(marked.parts[0], Op::kPercent) || IsOp(marked.parts[0], Op::kDegrees)) {
      return ExactScalars(a, b);
    }
    if (op == Op::kPercent ? policy_.percent : policy_.degrees) {
      const MathComparison converted = ExactScalars(a, b);
      if (converted.verdict == MathVerdict::kEqual) return converted;
    }
    // "0.5%" to the truth 0.5 is a mistake more often than a short form.
    const auto value = ValueOf(marked.parts[0]);
    if (op == Op::kPercent && value.has_value() && *value < SmallFraction{1, 1} &&
        SmallFraction{-1, 1} < *value) {
      return Different("a percentage");
    }
    return IsOp(a, op) ? Compare(marked.parts[0], plain) : Compare(plain, marked.parts[0]);
  }
  return absl::nullopt;
}

MathComparison ScalarComparer::ExactScalars(const Answer& a, const Answer& b) {
  const auto x = ValueOf(a), y = ValueOf(b);
  if (x.has_value() && y.has_value()) {
    return *x == *y ? Equal("the same number") : Different("values differ");
  }
  if (!IsScalar(a) || !IsScalar(b)) return Different("of different kinds");
  if (CanonicalText(a) == CanonicalText(b)) return Equal("the same expression");
  if (IsInfinite(a) || IsInfinite(b)) return Different("infinite on one side");
  if (!Affordable(a, b)) {
    return Undecided("too much to compare");
  }
  return FromLadder(CompareExpressions(ToExpression(a), ToExpression(b)));
}

int ScalarComparer::LadderCost(const Answer& answer) {
  bool rational = true;
  VisitParts(answer, [&](const Answer& part) {
    rational = rational && (part.op == Op::kNumber || part.op == Op::kVariable ||
                            (part.op >= Op::kAdd && part.op <= Op::kDivide));
  });
  return rational ? 1 : 8;
}

bool ScalarComparer::Affordable(const Answer& a, const Answer& b) {
  ladder_cost_ += std::max(LadderCost(a), LadderCost(b));
  return ladder_cost_ <= kLadderBudget && undecided_calls_ <= kMaxUndecidedCalls;
}

bool ScalarComparer::IsInfinite(const Answer& answer) {
  return IsOp(answer, Op::kInfinity) ||
         (IsOp(answer, Op::kNegate) && IsOp(answer.parts[0], Op::kInfinity));
}

MathComparison ScalarComparer::UpToFactor(const Answer& a, const Answer& b) {
  if (!Affordable(a, b)) {
    return Undecided("too much to compare");
  }
  return FromLadder(grpo::CompareUpToFactor(ToExpression(a), ToExpression(b)));
}

MathComparison ScalarComparer::FromLadder(const LadderResult& result) {
  switch (result.decision) {
    case Decision::kEqual:
      return Equal(result.reason);
    case Decision::kNotEqual:
      return Different(result.reason);
    default:
      ++undecided_calls_;
      return Undecided(result.reason);
  }
}

bool ScalarComparer::Close(const Answer& truth, const Answer& answer) {
  if (!IsScalar(truth) || !IsScalar(answer) || HasVariables(truth) || HasVariables(answer)) {
    return false;
  }
  if (policy_.precision == "relative" && policy_.tolerance > 0) {
    const Answer bound = MakeScalar(
        Op::kMultiply,
        {MakeNumber(absl::StrFormat("%.17f", policy_.tolerance)), MakeScalar(Op::kAbs, {truth})});
    return Within(truth, answer, bound, /*inclusive=*/true);
  }
  if (policy_.precision == "truth_digits") {
    const Answer* decimal = AsDecimal(truth);
    return decimal != nullptr && Within(truth, answer, LastPlace(*decimal, "5", 1), true);
  }
  return MachinePrecision(truth, answer) || MachinePrecision(answer, truth);
}

bool ScalarComparer::MachinePrecision(const Answer& decimal, const Answer& other) {
  const Answer* number = AsDecimal(decimal);
  if (number == nullptr || SignificantDigits(number->text) < 15 || HasFiniteDecimal(other)) {
    return false;
  }
  return Within(decimal, other, LastPlace(*number, "1", 0), /*inclusive=*/false);
}

Answer ScalarComparer::LastPlace(const Answer& decimal, const char* digit, int shift) {
  const int decimals = Decimals(decimal.text) + shift;
  return MakeNumber(absl::StrCat("0.", std::string(decimals - 1, '0'), digit));
}

bool ScalarComparer::Within(const Answer& a, const Answer& b, const Answer& bound, bool inclusive) {
  const auto order = CompareConstants(MakeScalar(Op::kAbs, {Difference(a, b)}), bound);
  return order.has_value() && (inclusive ? *order <= 0 : *order < 0);
}

}  // namespace grpo
