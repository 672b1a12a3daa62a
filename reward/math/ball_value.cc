#include "reward/math/ball_value.h"

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "reward/math/modular_value.h"
#include "reward/math/prime_field.h"

namespace grpo {
namespace {

// How the values of variables are spread at a point: magnitudes from `low` to `high`.
struct Spread {
  double low;
  double high;
  bool integers;
  bool negative;  // all
  bool signs;     // either sign
};

// Functions such as the inverse sine are defined near 0 alone, others above 1 alone.
constexpr Spread kSpreads[kNumPoints] = {
    {0.2, 0.9, false, false, false}, {1.1, 4, false, false, false},  {1, 9, true, false, false},
    {2, 12, true, false, false},     {0.1, 0.9, false, true, false}, {1.1, 5, false, true, false},
    {0.1, 10, false, false, false},  {3, 20, true, false, false},    {0.1, 8, false, false, true},
    {0.1, 1, false, false, true},    {10, 60, false, false, false},  {1, 9, true, false, true},
    {2, 30, false, false, false},
};

uint64_t HashOfName(absl::string_view name) {
  uint64_t hash = 0x706f696e74;
  for (const char c : name) hash = MixHash(hash, static_cast<unsigned char>(c));
  return hash;
}

}  // namespace

Rational VariableAtPoint(absl::string_view name, int point) {
  const Spread& spread = kSpreads[point];
  const uint64_t hash = MixHash(HashOfName(name), static_cast<uint64_t>(point));
  const bool negative = spread.negative || (spread.signs && (hash & 1) != 0);
  int64_t numerator;
  int64_t denominator = 1;
  if (spread.integers) {
    const auto low = static_cast<uint64_t>(spread.low);
    const auto high = static_cast<uint64_t>(spread.high);
    numerator = static_cast<int64_t>(low + (hash >> 1) % (high - low + 1));
  } else {
    denominator = 100'003;  // a prime, so that no value is a simple fraction
    const auto low = static_cast<uint64_t>(spread.low * 100'003) + 1;
    const auto high = static_cast<uint64_t>(spread.high * 100'003);
    numerator = static_cast<int64_t>(low + (hash >> 1) % (high - low));
  }
  return Rational(negative ? -numerator : numerator) / Rational(denominator);
}

Ball BallEvaluator::Evaluate(int32_t index, const SumIndices& indices) {
  if (!SpendSimple()) return Ball::Unknown();
  if (indices.empty() || exact_.IsConstant(index)) {
    const absl::optional<Rational> exact = exact_.Evaluate(index, indices);
    if (exact) return Ball::FromRational(*exact, bits_);
  }
  return OfNode(expression_.nodes[index], index, indices);
}

Ball BallEvaluator::OfNode(const Node& node, int32_t index, const SumIndices& indices) {
  switch (node.op) {
    case Op::kNumber:
    case Op::kRepeating:
    case Op::kInfinity:
    case Op::kPlusMinus:
      return Ball::Unknown();
    case Op::kVariable:
      if (const SumIndex* const bound = FindSumIndex(indices, node.text)) {
        return Constant(bound->value);
      }
      return Ball::FromRational(VariableAtPoint(node.text, point_), bits_);
    case Op::kPi:
      return Ball::Pi(bits_);
    case Op::kE:
      return SpendFunction() ? Constant(1).Apply(Op::kExp, bits_) : Ball::Unknown();
    case Op::kI:
      return Ball::ImaginaryUnit();
    case Op::kAdd:
    case Op::kMultiply:
    case Op::kMin:
    case Op::kMax:
      return Fold(node, indices);
    case Op::kNegate:
      return Argument(node, 0, indices).Negate();
    case Op::kDivide:
      return Argument(node, 0, indices).Divide(Argument(node, 1, indices), bits_);
    case Op::kPower:
      return Power(node, indices);
    case Op::kRoot:
      return Root(node, indices);
    case Op::kLog:
      return Logarithm(node, indices);
    case Op::kBinomial:
      return Binomial(Argument(node, 0, indices), Argument(node, 1, indices));
    case Op::kGcd:
    case Op::kLcm:
      return GcdOrLcm(node, indices);
    case Op::kMod: {
      const Ball a = Argument(node, 0, indices);
      const Ball b = Argument(node, 1, indices);
      return a.Subtract(b.Multiply(a.Divide(b, bits_).Apply(Op::kFloor, bits_), bits_), bits_);
    }
    case Op::kSum:
    case Op::kProduct:
      return SumOrProduct(node, indices);
    case Op::kCall:
      return Call(index, indices);
    case Op::kDegrees:
      return Argument(node, 0, indices)
          .Multiply(Ball::Pi(bits_), bits_)
          .Divide(Constant(180), bits_);
    case Op::kPercent:
      return Argument(node, 0, indices).Divide(Constant(100), bits_);
    default: {
      const Ball argument = Argument(node, 0, indices);
      if (!argument.IsFinite() || !SpendFunction()) return Ball::Unknown();
      if (node.op == Op::kFactorial && !fuel_.Spend(20'000 + bits_ * bits_ / 4)) {
        return Ball::Unknown();
      }
      return argument.Apply(node.op, bits_);
    }
  }
}

Ball BallEvaluator::Fold(const Node& node, const SumIndices& indices) {
  if (node.arguments.empty()) return Ball::Unknown();
  Ball total = Argument(node, 0, indices);
  for (size_t i = 1; i < node.arguments.size(); ++i) {
    const Ball value = Argument(node, static_cast<int>(i), indices);
    if (node.op == Op::kAdd) {
      total = total.Add(value, bits_);
    } else if (node.op == Op::kMultiply) {
      total = total.Multiply(value, bits_);
    } else {
      total = total.Extreme(node.op, value, bits_);
    }
  }
  return total;
}

Ball BallEvaluator::Power(const Node& node, const SumIndices& indices) {
  const Ball base = Argument(node, 0, indices);
  if (!base.IsFinite()) return Ball::Unknown();
  if (const absl::optional<Rational> exact = exact_.Evaluate(node.arguments[1], indices)) {
    return RationalPower(base, *exact);
  }
  const Ball exponent = Argument(node, 1, indices);
  if (!exponent.IsFinite() || !SpendFunction()) return Ball::Unknown();
  if (expression_.nodes[node.arguments[0]].op == Op::kE) return exponent.Apply(Op::kExp, bits_);
  if (!SpendFunction()) return Ball::Unknown();
  return base.Power(exponent, bits_);
}

Ball BallEvaluator::RationalPower(const Ball& base, const Rational& exponent) {
  if (base.IsExactZero()) {
    return fmpq_sgn(exponent.flint()) > 0 ? Ball() : Ball::Unknown();
  }
  const Rational denominator = [&] {
    Rational result;
    fmpz_set(fmpq_numref(result.flint()), fmpq_denref(exponent.flint()));
    return result;
  }();
  const Rational numerator = exponent * denominator;
  const absl::optional<int64_t> degree = SmallInteger(denominator);
  constexpr int64_t kHighestDegree = 1'000;
  if (!SpendRoot()) return Ball::Unknown();
  if (!degree || *degree > kHighestDegree) {
    return SpendFunction() ? base.Power(Ball::FromRational(exponent, bits_), bits_)
                           : Ball::Unknown();
  }
  const Ball power = Ball::FromRational(numerator, bits_);
  if (*degree == 1) return base.Power(power, bits_);
  if (*degree == 2) return base.SquareRoot(bits_).Power(power, bits_);
  if (base.Sign() == 1) {
    return base.RealRoot(static_cast<uint64_t>(*degree), bits_).Power(power, bits_);
  }
  if (base.Sign() == -1 && *degree % 2 == 1) {
    met_negative_root_ = true;
    if (odd_roots_ == OddRoots::kReal) {
      const Ball root = base.Negate().RealRoot(static_cast<uint64_t>(*degree), bits_).Negate();
      return root.Power(power, bits_);
    }
  }
  return SpendFunction() ? base.Power(Ball::FromRational(exponent, bits_), bits_) : Ball::Unknown();
}

Ball BallEvaluator::Root(const Node& node, const SumIndices& indices) {
  const Ball base = Argument(node, 0, indices);
  if (!base.IsFinite()) return Ball::Unknown();
  const absl::optional<Rational> exact = exact_.Evaluate(node.arguments[1], indices);
  if (exact && !exact->IsZero()) return RationalPower(base, Rational(1) / *exact);
  const Ball degree = Argument(node, 1, indices);
  if (const absl::optional<int64_t> integer = degree.SmallInteger(); integer && *integer != 0) {
    return RationalPower(base, Rational(1) / Rational(*integer));
  }
  if (!SpendFunction() || !SpendFunction()) return Ball::Unknown();
  return base.Power(Constant(1).Divide(degree, bits_), bits_);
}

Ball BallEvaluator::Logarithm(const Node& node, const SumIndices& indices) {
  const Ball argument = Argument(node, 0, indices);
  if (!argument.IsFinite() || !SpendFunction()) return Ball::Unknown();
  const Ball log = argument.Apply(Op::kLog, bits_);
  if (expression_.nodes[node.arguments[1]].op == Op::kE) return log;
  const Ball base = Argument(node, 1, indices);
  if (!base.IsFinite() || !SpendFunction()) return Ball::Unknown();
  return log.Divide(base.Apply(Op::kLog, bits_), bits_);
}

Ball BallEvaluator::Binomial(const Ball& n, const Ball& k) {
  constexpr int64_t kMostFactors = 1'000;
  const absl::optional<int64_t> integer = k.SmallInteger();
  if (integer && *integer >= 0 && *integer <= kMostFactors) {
    Ball product = Constant(1);
    for (int64_t i = 0; i < *integer; ++i) {
      if (!SpendSimple() || !SpendSimple()) return Ball::Unknown();
      product =
          product.Multiply(n.Subtract(Constant(i), bits_), bits_).Divide(Constant(i + 1), bits_);
    }
    return product;
  }
  if (!fuel_.Spend(3 * (20'000 + bits_ * bits_ / 4))) return Ball::Unknown();
  const Ball chosen = k.Apply(Op::kFactorial, bits_);
  const Ball rest = n.Subtract(k, bits_).Apply(Op::kFactorial, bits_);
  return n.Apply(Op::kFactorial, bits_).Divide(chosen.Multiply(rest, bits_), bits_);
}

Ball BallEvaluator::GcdOrLcm(const Node& node, const SumIndices& indices) {
  int64_t total = node.op == Op::kGcd ? 0 : 1;
  for (size_t i = 0; i < node.arguments.size(); ++i) {
    const absl::optional<int64_t> value =
        Argument(node, static_cast<int>(i), indices).SmallInteger();
    constexpr int64_t kLargest = 1'000'000'000;
    if (!value || std::abs(*value) > kLargest || total > kLargest) return Ball::Unknown();
    total = node.op == Op::kGcd ? std::gcd(total, *value) : std::lcm(total, *value);
  }
  return Constant(total);
}

Ball BallEvaluator::SumOrProduct(const Node& node, const SumIndices& indices) {
  const absl::optional<int64_t> first = Argument(node, 1, indices).SmallInteger();
  const absl::optional<int64_t> last = Argument(node, 2, indices).SmallInteger();
  if (!first || !last) return Ball::Unknown();
  const bool add = node.op == Op::kSum;
  Ball total = Constant(add ? 0 : 1);
  if (*last == *first - 1) return total;
  if (*last < *first) return Ball::Unknown();  // formulas for sums need not hold there
  if (static_cast<uint64_t>(*last) - static_cast<uint64_t>(*first) >= kMostTerms) {
    return Ball::Unknown();
  }
  SumIndices inner = indices;
  inner.push_back({expression_.nodes[node.arguments[0]].text, *first});
  for (int64_t value = *first; value <= *last; ++value) {
    inner.back().value = value;
    const Ball term = Evaluate(node.arguments[3], inner);
    if (!term.IsFinite()) return Ball::Unknown();
    total = add ? total.Add(term, bits_) : total.Multiply(term, bits_);
  }
  return total;
}

// An unknown function takes the same random value for arguments that are formally the same.
Ball BallEvaluator::Call(int32_t index, const SumIndices& indices) {
  constexpr int64_t kFuel = 5'000;
  if (!fuel_.Spend(kFuel)) return Ball::Unknown();
  ModularEvaluator evaluator(expression_, exact_, PrimeField::Fixed(0), /*point=*/0, kFuel);
  const absl::optional<Residue> residue = evaluator.Evaluate(index, indices);
  if (!residue) return Ball::Unknown();
  const uint64_t hash = MixHash(residue->value, static_cast<uint64_t>(point_));
  constexpr int64_t kDenominator = 100'019;
  return Ball::FromRational(
      Rational(static_cast<int64_t>(hash % (4 * kDenominator)) + 1) / Rational(kDenominator),
      bits_);
}

}  // namespace grpo
