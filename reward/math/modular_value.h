// Values of expressions modulo primes, at points that are the same for every expression. Powers
// of any size cost next to nothing this way.
#pragma once

#include <cstdint>

#include "absl/types/optional.h"

#include "reward/math/exact_value.h"
#include "reward/math/expression.h"
#include "reward/math/fuel.h"
#include "reward/math/prime_field.h"
#include "reward/math/sum_index.h"

namespace grpo {

// What a homomorphism makes of an expression.
struct Residue {
  uint64_t value = 0;
  // Bounds the bits of the numbers and the degree in the variables before reduction.
  double height = 0;
  // False: a rational function over Q(i), so that different residues prove different values.
  // True: other functions and constants stand in it as symbols, which take random values that
  // obey a few laws (of exponents of e, of sine and cosine). Then only equality says something.
  bool formal = false;
};

// Evaluates nodes of one expression in one field. Nothing where there is no value: a zero
// divisor, an unbounded sum, infinity, plus-minus.
class ModularEvaluator {
 public:
  // `point` chooses the values of the variables.
  ModularEvaluator(const Expression& expression, ExactEvaluator& exact, const PrimeField& field,
                   uint64_t point, int64_t fuel = 200'000)
      : expression_(expression), exact_(exact), field_(field), point_(point), fuel_(fuel) {}

  absl::optional<Residue> Evaluate(int32_t node, const SumIndices& indices);

 private:
  using Value = absl::optional<Residue>;
  using Node = Expression::Node;

  Value Leaf(const Node& node, int32_t index, const SumIndices& indices);
  Value AddOrMultiply(const Node& node, const SumIndices& indices);
  Value Power(const Node& node, const SumIndices& indices);
  Value Root(const Node& node, const SumIndices& indices);
  Value Logarithm(const Node& node, const SumIndices& indices);
  Value Factorial(const Node& node, const SumIndices& indices);
  Value Binomial(const Node& node, const SumIndices& indices);
  Value SumOrProduct(const Node& node, const SumIndices& indices);
  Value Mod(const Node& node, const SumIndices& indices);
  Value OfOne(Op op, const Residue& a);
  Value Trigonometric(Op op, const Residue& a);
  Value Hyperbolic(Op op, const Residue& a);
  Value Inverse(Op op, const Residue& a);
  // An unknown function of its arguments.
  Value Symbol(const Node& node, const SumIndices& indices);

  Residue Constant(int64_t value) const;
  absl::optional<Residue> Constant(const Rational& value) const;
  Residue Add(const Residue& a, const Residue& b) const;
  Residue Multiply(const Residue& a, const Residue& b) const;
  Residue Negate(const Residue& a) const;
  Value Divide(const Residue& a, const Residue& b);
  Value IntegerPower(const Residue& base, const Rational& exponent);
  Residue Random(uint64_t key, const Residue& a) const;     // f(a)
  Residue RandomOdd(uint64_t key, const Residue& a) const;  // f(-a) = -f(a)
  Residue Pi() const;
  Value Exp(const Residue& a);
  Residue Log(const Residue& a) const;

  const Expression& expression_;
  ExactEvaluator& exact_;
  const PrimeField& field_;
  const uint64_t point_;
  Fuel fuel_;
};

// The integer that a node stands for modulo `modulus`, where it is built of integers, sums,
// products, powers and factorials, as large as it may be.
absl::optional<uint64_t> TowerModulo(const Expression& expression, int32_t node,
                                     const Modulus& modulus, Fuel& fuel);

}  // namespace grpo
