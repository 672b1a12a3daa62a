#include "reward/math/height.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include <flint/fmpz.h>

#include "reward/math/ball_value.h"

namespace grpo {
namespace {

constexpr double kTooHigh = 1e9;

double Bits(const Rational& value) {
  return static_cast<double>(fmpz_bits(fmpq_numref(value.flint())) +
                             fmpz_bits(fmpq_denref(value.flint())));
}

double Size(const Rational& value) {
  const double numerator = std::abs(fmpz_get_d(fmpq_numref(value.flint())));
  return std::max(1.0, numerator / fmpz_get_d(fmpq_denref(value.flint())));
}

// Of what grows fast: how far its value is from 1, in bits.
double BitsOfValue(const Expression& expression, ExactEvaluator& exact, int32_t node, Fuel& fuel) {
  BallEvaluator evaluator(expression, exact, /*point=*/0, /*bits=*/64, OddRoots::kReal, fuel);
  const Ball value = evaluator.Evaluate(node, {});
  if (expression.nodes[node].op == Op::kTanh) {  // as near to 1 as its argument is large
    const int64_t size =
        evaluator.Evaluate(expression.nodes[node].arguments[0], {}).UpperExponent();
    return size > 16 ? kTooHigh
                     : 3.0 * static_cast<double>(int64_t{1} << std::max<int64_t>(size, 0));
  }
  const int64_t bits = std::max(std::abs(value.UpperExponent()), std::abs(value.LowerExponent()));
  return std::min(static_cast<double>(bits), kTooHigh);
}

double OfPower(ExactEvaluator& exact, const Expression::Node& node,
               const std::vector<double>& heights) {
  const double base = heights[node.arguments[0]];
  const double exponent = heights[node.arguments[1]];
  const absl::optional<Rational> exact_exponent = exact.Evaluate(node.arguments[1], {});
  if (!exact_exponent) return base * 4 + exponent;
  return base * Size(*exact_exponent) + exponent;
}

}  // namespace

double HeightBits(const Expression& expression, ExactEvaluator& exact) {
  std::vector<double> heights(expression.nodes.size());
  Fuel fuel(150'000);
  for (size_t i = 0; i < heights.size(); ++i) {
    const Expression::Node& node = expression.nodes[i];
    const auto index = static_cast<int32_t>(i);
    double height = 2;
    for (const int32_t argument : node.arguments) height += heights[argument];
    if (node.op == Op::kNumber || node.op == Op::kRepeating) {
      height = 1 + 3.33 * static_cast<double>(node.text.size());
    } else if (node.op == Op::kVariable) {
      height = 5;
    } else if (node.op == Op::kPower) {
      height = OfPower(exact, node, heights);
    }
    const bool grows = node.op == Op::kPower || node.op == Op::kExp || node.op == Op::kSinh ||
                       node.op == Op::kCosh || node.op == Op::kTanh || node.op == Op::kFactorial ||
                       node.op == Op::kBinomial;
    const absl::optional<Rational> value = exact.Evaluate(index, {});
    if (value) height = std::min(height, 2 + Bits(*value));
    if (grows && exact.IsConstant(index) && !value) {
      height += BitsOfValue(expression, exact, index, fuel);
    }
    if (node.op == Op::kSum || node.op == Op::kProduct) height += 64;
    heights[i] = std::min(height, kTooHigh);
  }
  return heights.back();
}

}  // namespace grpo
