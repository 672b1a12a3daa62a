#include "reward/math/modular_value.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include <flint/fmpz.h>

namespace grpo {
namespace {

uint64_t KeyOf(Op op) { return MixHash(0x6f70, static_cast<uint64_t>(op)); }

uint64_t KeyOf(absl::string_view name) {
  uint64_t hash = 0x6e616d65;
  for (const char c : name) hash = MixHash(hash, static_cast<unsigned char>(c));
  return hash;
}

uint64_t ReduceInteger(const fmpz* value, uint64_t modulus) { return fmpz_fdiv_ui(value, modulus); }

}  // namespace

Residue ModularEvaluator::Constant(int64_t value) const {
  const auto size = static_cast<uint64_t>(value < 0 ? -value : value);
  return {value < 0 ? field_.modulus().Negate(size) : size,
          std::log2(static_cast<double>(size) + 1), false};
}

absl::optional<Residue> ModularEvaluator::Constant(const Rational& value) const {
  const fmpz* const numerator = fmpq_numref(value.flint());
  const fmpz* const denominator = fmpq_denref(value.flint());
  Residue result{ReduceInteger(numerator, field_.prime()),
                 static_cast<double>(fmpz_bits(numerator) + fmpz_bits(denominator)), false};
  if (fmpz_is_one(denominator)) return result;
  const uint64_t divisor = ReduceInteger(denominator, field_.prime());
  if (divisor == 0) return absl::nullopt;
  result.value = field_.modulus().Multiply(result.value, field_.Inverse(divisor));
  return result;
}

Residue ModularEvaluator::Add(const Residue& a, const Residue& b) const {
  return {field_.modulus().Add(a.value, b.value), a.height + b.height + 1, a.formal || b.formal};
}

Residue ModularEvaluator::Multiply(const Residue& a, const Residue& b) const {
  return {field_.modulus().Multiply(a.value, b.value), a.height + b.height, a.formal || b.formal};
}

Residue ModularEvaluator::Negate(const Residue& a) const {
  return {field_.modulus().Negate(a.value), a.height, a.formal};
}

absl::optional<Residue> ModularEvaluator::Divide(const Residue& a, const Residue& b) {
  if (b.value == 0 || !fuel_.Spend(400)) return absl::nullopt;
  return Residue{field_.modulus().Multiply(a.value, field_.Inverse(b.value)), a.height + b.height,
                 a.formal || b.formal};
}

Residue ModularEvaluator::Random(uint64_t key, const Residue& a) const {
  return {MixHash(MixHash(field_.prime(), key), a.value) % field_.prime(), a.height + 1, true};
}

Residue ModularEvaluator::RandomOdd(uint64_t key, const Residue& a) const {
  const Residue negative = Negate(a);
  return a.value <= negative.value ? Random(key, a) : Negate(Random(key, negative));
}

Residue ModularEvaluator::Pi() const { return Random(KeyOf(Op::kPi), Constant(0)); }

// A random function with f(-a) = 1 / f(a) and f(0) = 1.
absl::optional<Residue> ModularEvaluator::Exp(const Residue& a) {
  if (a.value == 0) return Residue{1, a.height, a.formal};
  const Residue negative = Negate(a);
  if (a.value <= negative.value) return Random(KeyOf(Op::kExp), a);
  return Divide(Constant(1), Random(KeyOf(Op::kExp), negative));
}

Residue ModularEvaluator::Log(const Residue& a) const {
  if (a.value == 1) return {0, a.height, a.formal};
  const Residue e = Random(KeyOf(Op::kExp), Constant(1));
  if (a.value == e.value) return {1, a.height, a.formal};
  return Random(KeyOf(Op::kLog), a);
}

absl::optional<Residue> ModularEvaluator::Evaluate(int32_t index, const SumIndices& indices) {
  const Node& node = expression_.nodes[index];
  if (!fuel_.Spend(10)) return absl::nullopt;
  switch (node.op) {
    case Op::kNumber:
    case Op::kRepeating:
    case Op::kVariable:
    case Op::kPi:
    case Op::kE:
    case Op::kI:
      return Leaf(node, index, indices);
    case Op::kAdd:
    case Op::kMultiply:
      return AddOrMultiply(node, indices);
    case Op::kPower:
      return Power(node, indices);
    case Op::kRoot:
      return Root(node, indices);
    case Op::kLog:
      return Logarithm(node, indices);
    case Op::kFactorial:
      return Factorial(node, indices);
    case Op::kBinomial:
      return Binomial(node, indices);
    case Op::kSum:
    case Op::kProduct:
      return SumOrProduct(node, indices);
    case Op::kDivide: {
      const Value a = Evaluate(node.arguments[0], indices);
      const Value b = Evaluate(node.arguments[1], indices);
      return a && b ? Divide(*a, *b) : absl::nullopt;
    }
    case Op::kMod:
    case Op::kAbs:
    case Op::kFloor:
    case Op::kCeiling:
    case Op::kGcd:
    case Op::kLcm:
    case Op::kMin:
    case Op::kMax:
      if (const absl::optional<Rational> value = exact_.Evaluate(index, indices)) {
        return Constant(*value);
      }
      return node.op == Op::kMod ? Mod(node, indices) : Symbol(node, indices);
    case Op::kCall:
      return Symbol(node, indices);
    case Op::kInfinity:
    case Op::kPlusMinus:
      return absl::nullopt;
    default: {
      if (node.arguments.size() != 1) return absl::nullopt;
      const Value a = Evaluate(node.arguments[0], indices);
      return a ? OfOne(node.op, *a) : absl::nullopt;
    }
  }
}

absl::optional<Residue> ModularEvaluator::Leaf(const Node& node, int32_t index,
                                               const SumIndices& indices) {
  switch (node.op) {
    case Op::kPi:
      return Pi();
    case Op::kE:
      return Exp(Constant(1));
    case Op::kI:
      return Residue{field_.imaginary_unit(), 1, false};
    case Op::kVariable:
      if (const SumIndex* const bound = FindSumIndex(indices, node.text)) {
        return Constant(bound->value);
      }
      return Residue{MixHash(MixHash(field_.prime(), point_), KeyOf(node.text)) % field_.prime(), 1,
                     false};
    default: {
      const absl::optional<Rational> value = exact_.Evaluate(index, indices);
      return value ? Constant(*value) : absl::nullopt;
    }
  }
}

absl::optional<Residue> ModularEvaluator::AddOrMultiply(const Node& node,
                                                        const SumIndices& indices) {
  const bool add = node.op == Op::kAdd;
  Residue total = Constant(add ? 0 : 1);
  for (const int32_t argument : node.arguments) {
    const Value value = Evaluate(argument, indices);
    if (!value) return absl::nullopt;
    total = add ? Add(total, *value) : Multiply(total, *value);
  }
  return total;
}

absl::optional<Residue> ModularEvaluator::IntegerPower(const Residue& base,
                                                       const Rational& exponent) {
  const fmpz* const value = fmpq_numref(exponent.flint());
  const double height = (base.height + 1) * std::abs(fmpz_get_d(value));
  if (base.value == 0) {
    if (fmpz_sgn(value) <= 0) return absl::nullopt;
    return Residue{0, height, base.formal};
  }
  const uint64_t reduced = ReduceInteger(value, field_.prime() - 1);
  if (!fuel_.Spend(20 + 12 * static_cast<int64_t>(std::bit_width(reduced)))) return absl::nullopt;
  return Residue{field_.modulus().Power(base.value, reduced), height, base.formal};
}

absl::optional<Residue> ModularEvaluator::Power(const Node& node, const SumIndices& indices) {
  const int32_t exponent_node = node.arguments[1];
  const absl::optional<Rational> exact = exact_.Evaluate(exponent_node, indices);
  const Value base = Evaluate(node.arguments[0], indices);
  if (!base) return absl::nullopt;
  if (exact && fmpz_is_one(fmpq_denref(exact->flint()))) return IntegerPower(*base, *exact);
  if (!exact && indices.empty() && base->value != 0) {
    const absl::optional<uint64_t> tower =
        TowerModulo(expression_, exponent_node, Modulus(field_.prime() - 1), fuel_);
    if (tower) {
      return Residue{field_.modulus().Power(base->value, *tower),
                     std::numeric_limits<double>::infinity(), base->formal};
    }
  }
  const Value exponent = Evaluate(exponent_node, indices);
  if (!exponent) return absl::nullopt;
  if (expression_.nodes[node.arguments[0]].op == Op::kE) return Exp(*exponent);
  if (base->value == 0) return absl::nullopt;
  Value result = Exp(Multiply(*exponent, Log(*base)));
  if (result) result->formal = true;
  return result;
}

absl::optional<Residue> ModularEvaluator::Root(const Node& node, const SumIndices& indices) {
  const Value base = Evaluate(node.arguments[0], indices);
  const Value degree = Evaluate(node.arguments[1], indices);
  if (!base || !degree) return absl::nullopt;
  if (base->value == 0) return base;
  const Value exponent = Divide(Constant(1), *degree);
  if (!exponent) return absl::nullopt;
  Value result = Exp(Multiply(*exponent, Log(*base)));
  if (result) result->formal = true;
  return result;
}

absl::optional<Residue> ModularEvaluator::Logarithm(const Node& node, const SumIndices& indices) {
  const Value argument = Evaluate(node.arguments[0], indices);
  if (!argument || argument->value == 0) return absl::nullopt;
  if (expression_.nodes[node.arguments[1]].op == Op::kE) return Log(*argument);
  const Value base = Evaluate(node.arguments[1], indices);
  if (!base || base->value == 0) return absl::nullopt;
  Value result = Divide(Log(*argument), Log(*base));
  if (result) result->formal = true;
  return result;
}

absl::optional<Residue> ModularEvaluator::Factorial(const Node& node, const SumIndices& indices) {
  const absl::optional<Rational> exact = exact_.Evaluate(node.arguments[0], indices);
  if (!exact) return Symbol(node, indices);
  const absl::optional<int64_t> n = SmallInteger(*exact);
  if (!n || *n < 0 || *n > kMostTerms || !fuel_.Spend(5 * *n)) return Symbol(node, indices);
  uint64_t product = 1;
  for (int64_t factor = 2; factor <= *n; ++factor) {
    product = field_.modulus().Multiply(product, static_cast<uint64_t>(factor));
  }
  const auto size = static_cast<double>(*n);
  return Residue{product, size * std::log2(size + 1), false};
}

absl::optional<Residue> ModularEvaluator::Binomial(const Node& node, const SumIndices& indices) {
  const absl::optional<Rational> exact = exact_.Evaluate(node.arguments[1], indices);
  const Value top = Evaluate(node.arguments[0], indices);
  if (!top || !exact) return Symbol(node, indices);
  const absl::optional<int64_t> k = SmallInteger(*exact);
  if (!k || *k < 0 || *k > kMostTerms || !fuel_.Spend(10 * *k)) return Symbol(node, indices);
  const Modulus& modulus = field_.modulus();
  uint64_t numerator = 1;
  uint64_t denominator = 1;
  for (int64_t i = 0; i < *k; ++i) {
    const uint64_t factor = modulus.Add(top->value, modulus.Negate(static_cast<uint64_t>(i)));
    numerator = modulus.Multiply(numerator, factor);
    denominator = modulus.Multiply(denominator, static_cast<uint64_t>(i + 1));
  }
  const auto size = static_cast<double>(*k);
  return Divide({numerator, (top->height + 1) * size, top->formal},
                {denominator, size * std::log2(size + 1), false});
}

absl::optional<Residue> ModularEvaluator::SumOrProduct(const Node& node,
                                                       const SumIndices& indices) {
  if (node.arguments.size() != 4) return absl::nullopt;
  const absl::optional<Rational> from = exact_.Evaluate(node.arguments[1], indices);
  const absl::optional<Rational> to = exact_.Evaluate(node.arguments[2], indices);
  if (!from || !to || !SmallInteger(*from) || !SmallInteger(*to)) return absl::nullopt;
  const int64_t first = *SmallInteger(*from);
  const int64_t last = *SmallInteger(*to);
  const bool add = node.op == Op::kSum;
  Residue total = Constant(add ? 0 : 1);
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
    total = add ? Add(total, *term) : Multiply(total, *term);
    if (value == last) return total;
  }
}

absl::optional<Residue> ModularEvaluator::Mod(const Node& node, const SumIndices& indices) {
  const absl::optional<Rational> divisor = exact_.Evaluate(node.arguments[1], indices);
  const absl::optional<int64_t> small = divisor ? SmallInteger(*divisor) : absl::nullopt;
  if (small && *small > 0 && indices.empty()) {
    const absl::optional<uint64_t> rest =
        TowerModulo(expression_, node.arguments[0], Modulus(static_cast<uint64_t>(*small)), fuel_);
    if (rest) return Constant(static_cast<int64_t>(*rest));
  }
  return Symbol(node, indices);
}

absl::optional<Residue> ModularEvaluator::Symbol(const Node& node, const SumIndices& indices) {
  const bool any_order =
      node.op == Op::kGcd || node.op == Op::kLcm || node.op == Op::kMin || node.op == Op::kMax;
  uint64_t hash = MixHash(MixHash(field_.prime(), KeyOf(node.op)), KeyOf(node.text));
  double height = 1;
  for (const int32_t argument : node.arguments) {
    const Value value = Evaluate(argument, indices);
    if (!value) return absl::nullopt;
    uint64_t residue = value->value;
    if (node.op == Op::kAbs) residue = std::min(residue, Negate(*value).value);
    hash = any_order ? hash + MixHash(0, residue) : MixHash(hash, residue);
    height += value->height;
  }
  return Residue{MixHash(hash, 1) % field_.prime(), height, true};
}

absl::optional<Residue> ModularEvaluator::OfOne(Op op, const Residue& a) {
  switch (op) {
    case Op::kNegate:
      return Negate(a);
    case Op::kPercent:
      return Divide(a, Constant(100));
    case Op::kDegrees:
      return Divide(Multiply(a, Pi()), Constant(180));
    case Op::kExp:
      return Exp(a);
    case Op::kSin:
    case Op::kCos:
    case Op::kTan:
    case Op::kCot:
    case Op::kSec:
    case Op::kCsc: {
      Value result = Trigonometric(op, a);
      if (result) result->formal = true;
      return result;
    }
    case Op::kSinh:
    case Op::kCosh:
    case Op::kTanh: {
      Value result = Hyperbolic(op, a);
      if (result) result->formal = true;
      return result;
    }
    default:
      return Inverse(op, a);
  }
}

// By Euler's formula, so that sines and cosines of one angle obey their law.
absl::optional<Residue> ModularEvaluator::Trigonometric(Op op, const Residue& a) {
  const Residue i{field_.imaginary_unit(), 1, false};
  const Value power = Exp(Multiply(i, a));
  const Value inverse = power ? Divide(Constant(1), *power) : absl::nullopt;
  if (!inverse) return absl::nullopt;
  const Value cosine = Divide(Add(*power, *inverse), Constant(2));
  const Value sine = Divide(Add(*power, Negate(*inverse)), Multiply(Constant(2), i));
  if (!cosine || !sine) return absl::nullopt;
  switch (op) {
    case Op::kSin:
      return sine;
    case Op::kCos:
      return cosine;
    case Op::kTan:
      return Divide(*sine, *cosine);
    case Op::kCot:
      return Divide(*cosine, *sine);
    case Op::kSec:
      return Divide(Constant(1), *cosine);
    default:
      return Divide(Constant(1), *sine);
  }
}

absl::optional<Residue> ModularEvaluator::Hyperbolic(Op op, const Residue& a) {
  const Value power = Exp(a);
  const Value inverse = power ? Divide(Constant(1), *power) : absl::nullopt;
  if (!inverse) return absl::nullopt;
  const Residue sum = Add(*power, *inverse);
  const Residue difference = Add(*power, Negate(*inverse));
  if (op == Op::kTanh) return Divide(difference, sum);
  return Divide(op == Op::kSinh ? difference : sum, Constant(2));
}

absl::optional<Residue> ModularEvaluator::Inverse(Op op, const Residue& a) {
  const auto complement = [this](const Residue& angle) -> Value {
    const Value right_angle = Divide(Pi(), Constant(2));
    return right_angle ? Value(Add(*right_angle, Negate(angle))) : absl::nullopt;
  };
  switch (op) {
    case Op::kArccos:
      return complement(RandomOdd(KeyOf(Op::kArcsin), a));
    case Op::kArccot:
      return complement(RandomOdd(KeyOf(Op::kArctan), a));
    case Op::kArcsec:
    case Op::kArccsc: {
      const Value inverse = Divide(Constant(1), a);
      if (!inverse) return absl::nullopt;
      const Residue angle = RandomOdd(KeyOf(Op::kArcsin), *inverse);
      return op == Op::kArccsc ? Value(angle) : complement(angle);
    }
    case Op::kArcsin:
    case Op::kArctan:
    case Op::kArsinh:
    case Op::kArtanh:
      return RandomOdd(KeyOf(op), a);
    case Op::kArcosh:
      return Random(KeyOf(op), a);
    default:
      return absl::nullopt;
  }
}

}  // namespace grpo
