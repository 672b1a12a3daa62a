// Values of expressions as balls, at points that are the same for every expression.
#pragma once

#include <cstdint>

#include "reward/math/ball.h"
#include "reward/math/exact_value.h"
#include "reward/math/expression.h"
#include "reward/math/fuel.h"
#include "reward/math/sum_index.h"

namespace grpo {

// What an odd root of a negative number is: the real one, as in schools, or the principal one.
enum class OddRoots : uint8_t { kReal, kPrincipal };

inline constexpr int kNumPoints = 13;

// The value of the variable at point 0 to kNumPoints - 1: reals of both signs and different sizes,
// at some points integers.
Rational VariableAtPoint(absl::string_view name, int point);

// Evaluates nodes of one expression. Ball::Unknown() where there is no value or the fuel is spent.
class BallEvaluator {
 public:
  BallEvaluator(const Expression& expression, ExactEvaluator& exact, int point, int bits,
                OddRoots odd_roots, Fuel& fuel)
      : expression_(expression),
        exact_(exact),
        point_(point),
        bits_(bits),
        odd_roots_(odd_roots),
        fuel_(fuel) {}

  Ball Evaluate(int32_t node, const SumIndices& indices);
  // Whether an odd root of a negative number has been taken.
  bool met_negative_root() const { return met_negative_root_; }

 private:
  using Node = Expression::Node;

  bool SpendSimple() { return fuel_.Spend(60 + bits_ / 4); }
  bool SpendRoot() { return fuel_.Spend(200 + bits_ + bits_ * bits_ / 4'000); }
  bool SpendFunction() { return fuel_.Spend(600 + 8 * bits_ + bits_ * bits_ / 200); }

  Ball Argument(const Node& node, int position, const SumIndices& indices) {
    return Evaluate(node.arguments[position], indices);
  }
  Ball Constant(int64_t value) { return Ball::FromRational(Rational(value), bits_); }
  Ball OfNode(const Node& node, int32_t index, const SumIndices& indices);
  Ball Fold(const Node& node, const SumIndices& indices);
  Ball Power(const Node& node, const SumIndices& indices);
  Ball RationalPower(const Ball& base, const Rational& exponent);
  Ball Root(const Node& node, const SumIndices& indices);
  Ball Logarithm(const Node& node, const SumIndices& indices);
  Ball Binomial(const Ball& n, const Ball& k);
  Ball GcdOrLcm(const Node& node, const SumIndices& indices);
  Ball SumOrProduct(const Node& node, const SumIndices& indices);
  Ball Call(int32_t index, const SumIndices& indices);

  const Expression& expression_;
  ExactEvaluator& exact_;
  const int point_;
  const int bits_;
  const OddRoots odd_roots_;
  Fuel& fuel_;
  bool met_negative_root_ = false;
};

}  // namespace grpo
