#include "reward/math/exact_value.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include <flint/fmpz.h>

namespace grpo {
namespace {

constexpr size_t kMostDigits = 4000;

int64_t Bits(const Rational& value) {
  return static_cast<int64_t>(fmpz_bits(fmpq_numref(value.flint())) +
                              fmpz_bits(fmpq_denref(value.flint())));
}

bool IsInteger(const Rational& value) { return fmpz_is_one(fmpq_denref(value.flint())); }

// About what an operation on numbers of so many bits costs; fractions are reduced each time.
int64_t CostOfBits(int64_t bits) { return 30 + (bits <= 124 ? 0 : bits / 2 + bits * bits / 2000); }

bool IsDigits(absl::string_view text) {
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
  }
  return true;
}

Rational IntegerOfDigits(absl::string_view digits) {
  if (digits.size() > 18) return Rational::FromDigits(digits);
  int64_t value = 0;
  for (const char c : digits) value = value * 10 + (c - '0');
  return Rational(value);
}

// The exact root of degree `degree` of a number that is not negative.
absl::optional<Rational> PerfectRoot(const Rational& value, int64_t degree) {
  Rational root;
  if (fmpz_root(fmpq_numref(root.flint()), fmpq_numref(value.flint()), degree) == 0 ||
      fmpz_root(fmpq_denref(root.flint()), fmpq_denref(value.flint()), degree) == 0) {
    return absl::nullopt;
  }
  return root;
}

Rational Rounded(Op op, const Rational& value) {
  Rational result;
  if (op == Op::kFloor) {
    fmpz_fdiv_q(fmpq_numref(result.flint()), fmpq_numref(value.flint()),
                fmpq_denref(value.flint()));
  } else {
    fmpz_cdiv_q(fmpq_numref(result.flint()), fmpq_numref(value.flint()),
                fmpq_denref(value.flint()));
  }
  return result;
}

}  // namespace

absl::optional<int64_t> SmallInteger(const Rational& value) {
  if (!IsInteger(value) || !fmpz_fits_si(fmpq_numref(value.flint()))) return absl::nullopt;
  return fmpz_get_si(fmpq_numref(value.flint()));
}

absl::optional<Rational> RationalOfDecimal(absl::string_view text) {
  const size_t point = text.find('.');
  const absl::string_view whole = text.substr(0, point);
  const absl::string_view part =
      point == absl::string_view::npos ? absl::string_view() : text.substr(point + 1);
  if (whole.size() + part.size() == 0 || whole.size() + part.size() > kMostDigits ||
      !IsDigits(whole) || !IsDigits(part)) {
    return absl::nullopt;
  }
  if (part.empty()) return IntegerOfDigits(whole);
  return IntegerOfDigits(absl::StrCat(whole, part)) *
         Rational::PowerOfTen(-static_cast<int>(part.size()));
}

absl::optional<Rational> RationalOfRepeatingDecimal(absl::string_view text) {
  const size_t open = text.find('(');
  if (open == absl::string_view::npos || text.back() != ')') return RationalOfDecimal(text);
  const absl::string_view start = text.substr(0, open);
  const absl::string_view period = text.substr(open + 1, text.size() - open - 2);
  const size_t point = start.find('.');
  const absl::optional<Rational> value = RationalOfDecimal(start);
  if (!value || point == absl::string_view::npos || period.empty() || !IsDigits(period) ||
      period.size() > kMostDigits) {
    return absl::nullopt;
  }
  const int places = static_cast<int>(start.size() - point - 1);
  const Rational nines = Rational::PowerOfTen(static_cast<int>(period.size())) - Rational(1);
  return *value + IntegerOfDigits(period) / nines * Rational::PowerOfTen(-places);
}

ExactEvaluator::ExactEvaluator(const Expression& expression)
    : expression_(expression),
      constant_(expression.nodes.size()),
      known_(expression.nodes.size(), Known::kNot) {
  for (size_t i = 0; i < expression.nodes.size(); ++i) {
    const Expression::Node& node = expression.nodes[i];
    bool constant = node.op != Op::kVariable;
    for (const int32_t argument : node.arguments) constant = constant && constant_[argument];
    constant_[i] = constant;
  }
}

absl::optional<Rational> ExactEvaluator::Evaluate(int32_t index, const SumIndices& indices) {
  const Expression::Node& node = expression_.nodes[index];
  if (!indices.empty() && !IsConstant(index)) return Calculate(node, indices);
  if (known_[index] == Known::kNone) return absl::nullopt;
  if (known_[index] == Known::kValue) return values_[index];
  Value value = Calculate(node, indices);
  known_[index] = value ? Known::kValue : Known::kNone;
  if (value) {
    if (values_.empty()) values_.resize(expression_.nodes.size());
    values_[index] = *value;
  }
  return value;
}

ExactEvaluator::Value ExactEvaluator::Calculate(const Expression::Node& node,
                                                const SumIndices& indices) {
  if (!fuel_.Spend(20)) return absl::nullopt;
  switch (node.op) {
    case Op::kNumber:
      if (!fuel_.Spend(CostOfBits(static_cast<int64_t>(node.text.size()) * 4))) break;
      return RationalOfDecimal(node.text);
    case Op::kRepeating:
      if (!fuel_.Spend(2 * CostOfBits(static_cast<int64_t>(node.text.size()) * 4))) break;
      return RationalOfRepeatingDecimal(node.text);
    case Op::kVariable:
      if (const SumIndex* const bound = FindSumIndex(indices, node.text)) {
        return Rational(bound->value);
      }
      break;
    case Op::kAdd:
    case Op::kMultiply:
      return AddOrMultiply(node, indices);
    case Op::kGcd:
    case Op::kLcm:
      return FoldIntegers(node, indices);
    case Op::kMin:
    case Op::kMax:
      return Extreme(node, indices);
    case Op::kSum:
    case Op::kProduct:
      return SumOrProduct(node, indices);
    case Op::kDivide:
    case Op::kPower:
    case Op::kRoot:
    case Op::kBinomial:
    case Op::kMod:
    case Op::kLog:
      return OfTwo(node, indices);
    case Op::kNegate:
    case Op::kAbs:
    case Op::kFloor:
    case Op::kCeiling:
    case Op::kPercent:
    case Op::kFactorial:
      return OfOne(node, indices);
    default:
      break;
  }
  return absl::nullopt;
}

ExactEvaluator::Value ExactEvaluator::Combine(Op op, const Rational& a, const Rational& b) {
  const int64_t bits = Bits(a) + Bits(b);
  if (bits > kMostBits || !fuel_.Spend(CostOfBits(bits))) return absl::nullopt;
  switch (op) {
    case Op::kAdd:
      return a + b;
    case Op::kMultiply:
      return a * b;
    case Op::kDivide:
      if (b.IsZero()) return absl::nullopt;
      return a / b;
    case Op::kMod: {
      if (b.IsZero()) return absl::nullopt;
      const Rational quotient = Rounded(Op::kFloor, a / b);
      return a - b * quotient;
    }
    default:
      return absl::nullopt;
  }
}

ExactEvaluator::Value ExactEvaluator::AddOrMultiply(const Expression::Node& node,
                                                    const SumIndices& indices) {
  const Op op = node.op;
  Value total = Rational(op == Op::kAdd ? 0 : 1);
  for (const int32_t argument : node.arguments) {
    const Value value = Evaluate(argument, indices);
    if (!value) return absl::nullopt;
    total = Combine(op, *total, *value);
    if (!total) return absl::nullopt;
  }
  return total;
}

ExactEvaluator::Value ExactEvaluator::SumOrProduct(const Expression::Node& node,
                                                   const SumIndices& indices) {
  if (node.arguments.size() != 4) return absl::nullopt;
  const Value from = Evaluate(node.arguments[1], indices);
  const Value to = Evaluate(node.arguments[2], indices);
  if (!from || !to || !SmallInteger(*from) || !SmallInteger(*to)) return absl::nullopt;
  const int64_t first = *SmallInteger(*from);
  const int64_t last = *SmallInteger(*to);
  const Op op = node.op == Op::kSum ? Op::kAdd : Op::kMultiply;
  Value total = Rational(op == Op::kAdd ? 0 : 1);
  if (last < first) return total;
  if (static_cast<uint64_t>(last) - static_cast<uint64_t>(first) >= kMostTerms) {
    return absl::nullopt;
  }
  SumIndices inner = indices;
  inner.push_back({expression_.nodes[node.arguments[0]].text, first});
  for (int64_t value = first;; ++value) {
    inner.back().value = value;
    const Value term = Evaluate(node.arguments[3], inner);
    if (!term) return absl::nullopt;
    total = Combine(op, *total, *term);
    if (!total || value == last) return total;
  }
}

ExactEvaluator::Value ExactEvaluator::FoldIntegers(const Expression::Node& node,
                                                   const SumIndices& indices) {
  Rational total(node.op == Op::kGcd ? 0 : 1);
  for (const int32_t argument : node.arguments) {
    const Value value = Evaluate(argument, indices);
    if (!value || !IsInteger(*value)) return absl::nullopt;
    const int64_t bits = Bits(total) + Bits(*value);
    if (bits > kMostBits || !fuel_.Spend(CostOfBits(bits))) return absl::nullopt;
    (node.op == Op::kGcd ? fmpz_gcd : fmpz_lcm)(
        fmpq_numref(total.flint()), fmpq_numref(total.flint()), fmpq_numref(value->flint()));
  }
  return total;
}

ExactEvaluator::Value ExactEvaluator::Extreme(const Expression::Node& node,
                                              const SumIndices& indices) {
  Value best;
  for (const int32_t argument : node.arguments) {
    Value value = Evaluate(argument, indices);
    if (!value) return absl::nullopt;
    if (!best || (node.op == Op::kMin ? *value <= *best : *best <= *value)) best = std::move(value);
  }
  return best;
}

ExactEvaluator::Value ExactEvaluator::OfTwo(const Expression::Node& node,
                                            const SumIndices& indices) {
  if (node.arguments.size() != 2) return absl::nullopt;
  const Value a = Evaluate(node.arguments[0], indices);
  if (!a) return absl::nullopt;
  const Value b = Evaluate(node.arguments[1], indices);
  if (node.op == Op::kLog && fmpq_is_one(a->flint())) return Rational(0);
  if (!b) return absl::nullopt;
  switch (node.op) {
    case Op::kPower:
      return Power(*a, *b);
    case Op::kRoot:
      if (b->IsZero()) return absl::nullopt;
      return Power(*a, Rational(1) / *b);
    case Op::kBinomial:
      return Binomial(*a, *b);
    case Op::kLog:
      return Logarithm(*a, *b);
    default:
      return Combine(node.op, *a, *b);
  }
}

ExactEvaluator::Value ExactEvaluator::OfOne(const Expression::Node& node,
                                            const SumIndices& indices) {
  if (node.arguments.size() != 1) return absl::nullopt;
  const Value a = Evaluate(node.arguments[0], indices);
  if (!a) return absl::nullopt;
  switch (node.op) {
    case Op::kNegate:
      return -*a;
    case Op::kAbs:
      return a->Absolute();
    case Op::kPercent:
      return Combine(Op::kDivide, *a, Rational(100));
    case Op::kFactorial:
      return Factorial(*a);
    default:
      return Rounded(node.op, *a);
  }
}

ExactEvaluator::Value ExactEvaluator::IntegerPower(const Rational& base, const Rational& exponent) {
  if (base.IsZero() && fmpq_sgn(exponent.flint()) <= 0) return absl::nullopt;
  if (base.IsZero() || fmpq_is_one(base.flint())) return base;
  if (fmpq_is_one((-base).flint())) {
    return Rational(fmpz_is_odd(fmpq_numref(exponent.flint())) ? -1 : 1);
  }
  const absl::optional<int64_t> small = SmallInteger(exponent);
  if (!small || *small > kMostBits || *small < -kMostBits) return absl::nullopt;
  const int64_t bits = Bits(base) * std::abs(*small);
  if (bits > 2 * kMostBits || !fuel_.Spend(CostOfBits(bits / 2))) return absl::nullopt;
  Rational result;
  fmpq_pow_si(result.flint(), base.flint(), *small);
  return result;
}

ExactEvaluator::Value ExactEvaluator::Power(const Rational& base, const Rational& exponent) {
  if (IsInteger(exponent)) return IntegerPower(base, exponent);
  constexpr int64_t kHighestDegree = 64;
  const int64_t bits = Bits(base);
  if (fmpq_sgn(base.flint()) < 0 ||
      fmpz_cmp_si(fmpq_denref(exponent.flint()), kHighestDegree) > 0 || bits > kMostBits ||
      !fuel_.Spend(100 + 4 * CostOfBits(bits))) {
    return absl::nullopt;
  }
  const Value root = PerfectRoot(base, fmpz_get_si(fmpq_denref(exponent.flint())));
  if (!root) return absl::nullopt;
  Rational power;
  fmpz_set(fmpq_numref(power.flint()), fmpq_numref(exponent.flint()));
  return IntegerPower(*root, power);
}

ExactEvaluator::Value ExactEvaluator::Factorial(const Rational& value) {
  const absl::optional<int64_t> n = SmallInteger(value);
  if (!n || *n < 0 || *n > kMostBits) return absl::nullopt;
  const double bits = static_cast<double>(*n) * std::log2(static_cast<double>(*n) + 1) + 1;
  if (bits > kMostBits || !fuel_.Spend(CostOfBits(static_cast<int64_t>(bits)))) {
    return absl::nullopt;
  }
  Rational result;
  fmpz_fac_ui(fmpq_numref(result.flint()), static_cast<uint64_t>(*n));
  return result;
}

ExactEvaluator::Value ExactEvaluator::Binomial(const Rational& n, const Rational& k) {
  const absl::optional<int64_t> top = SmallInteger(n);
  const absl::optional<int64_t> bottom = SmallInteger(k);
  if (!top || !bottom || *top < 0 || *bottom < 0) return absl::nullopt;
  if (*bottom > *top) return Rational(0);
  const int64_t chosen = std::min(*bottom, *top - *bottom);
  const double bits =
      std::min(static_cast<double>(*top),
               static_cast<double>(chosen) * std::log2(static_cast<double>(*top) + 1)) +
      1;
  if (bits > kMostBits || !fuel_.Spend(2 * CostOfBits(static_cast<int64_t>(bits)))) {
    return absl::nullopt;
  }
  Rational result;
  fmpz_bin_uiui(fmpq_numref(result.flint()), static_cast<uint64_t>(*top),
                static_cast<uint64_t>(chosen));
  return result;
}

// An integer or a half of one, as in log_4 8.
ExactEvaluator::Value ExactEvaluator::Logarithm(const Rational& argument, const Rational& base) {
  if (fmpq_sgn(argument.flint()) <= 0 || fmpq_sgn(base.flint()) <= 0 || fmpq_is_one(base.flint()) ||
      Bits(argument) > 1000 || Bits(base) > 1000) {
    return absl::nullopt;
  }
  const auto log = [](const Rational& x) {
    return fmpz_dlog(fmpq_numref(x.flint())) - fmpz_dlog(fmpq_denref(x.flint()));
  };
  const double doubled = 2 * log(argument) / log(base);
  const double nearest = std::round(doubled);
  if (!(std::abs(doubled - nearest) < 1e-6) || std::abs(nearest) > 4000) return absl::nullopt;
  const auto steps = static_cast<int64_t>(nearest);
  const Value left = IntegerPower(argument, Rational(2));
  const Value right = IntegerPower(base, Rational(steps));
  if (!left || !right || *left != *right) return absl::nullopt;
  return Rational(steps) / Rational(2);
}

}  // namespace grpo
