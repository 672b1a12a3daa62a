// The exact values of those parts of an expression that are rational constants.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "reward/math/expression.h"
#include "reward/math/fuel.h"
#include "reward/math/sum_index.h"
#include "reward/rational.h"

namespace grpo {

// Digits with at most one '.', or nothing where there are more than 4,000 or other characters.
absl::optional<Rational> RationalOfDecimal(absl::string_view text);
// "0.1(6)": the digits in the brackets repeat for ever.
absl::optional<Rational> RationalOfRepeatingDecimal(absl::string_view text);
// The value where it is an integer that fits.
absl::optional<int64_t> SmallInteger(const Rational& value);

// Evaluates nodes of one expression, which must outlive it. Values of up to kMostBits bits; sizes
// are estimated before each operation, so that no input makes it work long. A node has no value
// where it is undefined, too large, not rational or not certainly so: odd roots of negative numbers
// are left to evaluators that know what is meant.
class ExactEvaluator {
 public:
  static constexpr int64_t kMostBits = 8192;  // of numerator and denominator together

  explicit ExactEvaluator(const Expression& expression);

  absl::optional<Rational> Evaluate(int32_t node, const SumIndices& indices);
  // No variable stands in the node.
  bool IsConstant(int32_t node) const { return constant_[node] != 0; }
  absl::optional<Rational> EvaluateRoot() {
    return Evaluate(static_cast<int32_t>(expression_.nodes.size()) - 1, {});
  }

 private:
  enum class Known : uint8_t { kNot, kNone, kValue };
  using Value = absl::optional<Rational>;

  Value Calculate(const Expression::Node& node, const SumIndices& indices);
  Value AddOrMultiply(const Expression::Node& node, const SumIndices& indices);
  Value SumOrProduct(const Expression::Node& node, const SumIndices& indices);
  Value FoldIntegers(const Expression::Node& node, const SumIndices& indices);
  Value Extreme(const Expression::Node& node, const SumIndices& indices);
  Value OfTwo(const Expression::Node& node, const SumIndices& indices);
  Value OfOne(const Expression::Node& node, const SumIndices& indices);
  Value Combine(Op op, const Rational& a, const Rational& b);
  Value Power(const Rational& base, const Rational& exponent);
  Value IntegerPower(const Rational& base, const Rational& exponent);
  Value Factorial(const Rational& value);
  Value Binomial(const Rational& n, const Rational& k);
  Value Logarithm(const Rational& argument, const Rational& base);

  const Expression& expression_;
  std::vector<uint8_t> constant_;  // per node
  std::vector<Known> known_;       // per node, of values without indices
  std::vector<Rational> values_;   // per node, made when first needed
  Fuel fuel_{200'000};
};

}  // namespace grpo
