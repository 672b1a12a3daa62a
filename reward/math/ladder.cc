#include "reward/math/ladder.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "reward/math/ball.h"
#include "reward/math/ball_comparison.h"
#include "reward/math/ball_value.h"
#include "reward/math/exact_value.h"
#include "reward/math/modular_comparison.h"
#include "reward/math/well_formed.h"

namespace grpo {
namespace {

constexpr int kMostSigns = 2;                // plus-minus signs in one expression
constexpr size_t kMostNodesWithSigns = 100;  // each pair of values is a comparison of its own

int32_t RootOf(const Expression& expression) {
  return static_cast<int32_t>(expression.nodes.size()) - 1;
}

bool Has(const Expression& expression, Op op) {
  return std::any_of(expression.nodes.begin(), expression.nodes.end(),
                     [op](const Expression::Node& node) { return node.op == op; });
}

bool IsSameTree(const Expression& a, const Expression& b) {
  return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
                    [](const Expression::Node& left, const Expression::Node& right) {
                      return left.op == right.op && left.text == right.text &&
                             left.arguments == right.arguments;
                    });
}

// An order of trees, so that a comparison does the same work whichever comes first.
bool IsBefore(const Expression& a, const Expression& b) {
  return std::lexicographical_compare(
      a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(),
      [](const Expression::Node& left, const Expression::Node& right) {
        return std::tie(left.op, left.text, left.arguments) <
               std::tie(right.op, right.text, right.arguments);
      });
}

// 1 or -1 for infinity with such a sign, 0 for an expression without infinity, nothing for others.
absl::optional<int> SignOfInfinity(const Expression& expression) {
  if (!Has(expression, Op::kInfinity)) return 0;
  int sign = 1;
  int32_t index = RootOf(expression);
  for (;;) {
    const Expression::Node& node = expression.nodes[index];
    if (node.op == Op::kInfinity) return sign;
    const bool wraps =
        (node.op == Op::kNegate || node.op == Op::kAdd || node.op == Op::kMultiply) &&
        node.arguments.size() == 1;
    if (!wraps) return absl::nullopt;
    if (node.op == Op::kNegate) sign = -sign;
    index = node.arguments[0];
  }
}

// The expression with its plus-minus signs read as `signs` says, a bit for each.
Expression WithSigns(Expression expression, unsigned signs) {
  for (Expression::Node& node : expression.nodes) {
    if (node.op != Op::kPlusMinus) continue;
    node.op = (signs & 1) != 0 ? Op::kNegate : Op::kAdd;
    signs >>= 1;
  }
  return expression;
}

std::vector<Expression> AllSigns(const Expression& expression) {
  const auto count =
      std::count_if(expression.nodes.begin(), expression.nodes.end(),
                    [](const Expression::Node& node) { return node.op == Op::kPlusMinus; });
  std::vector<Expression> values;
  if (count > kMostSigns || expression.nodes.size() > kMostNodesWithSigns) return values;
  for (unsigned signs = 0; signs < (1u << count); ++signs) {
    values.push_back(WithSigns(expression, signs));
  }
  return values;
}

// Whether a variable stands in the node that no enclosing sum or product binds. Where looking takes
// too many steps, it may be so.
bool HasFreeVariable(const Expression& expression, int32_t index, std::vector<int32_t>& bound,
                     int& steps) {
  if (--steps < 0) return true;
  const Expression::Node& node = expression.nodes[index];
  const auto has = [&](int32_t argument) {
    return HasFreeVariable(expression, argument, bound, steps);
  };
  if (node.op == Op::kVariable) {
    return std::none_of(bound.begin(), bound.end(), [&](int32_t variable) {
      return expression.nodes[variable].text == node.text;
    });
  }
  if (node.op != Op::kSum && node.op != Op::kProduct) {
    return std::any_of(node.arguments.begin(), node.arguments.end(), has);
  }
  if (has(node.arguments[1]) || has(node.arguments[2])) return true;
  bound.push_back(node.arguments[0]);
  const bool in_body = has(node.arguments[3]);
  bound.pop_back();
  return in_body;
}

// Variables, or unknown functions, which are compared at the same points.
bool HasVariables(const Expression& expression, const ExactEvaluator& exact) {
  if (Has(expression, Op::kCall)) return true;
  if (exact.IsConstant(RootOf(expression))) return false;
  std::vector<int32_t> bound;
  int steps = 2 * kMostNodes;
  return HasFreeVariable(expression, RootOf(expression), bound, steps);
}

bool IsNumber(const Expression& expression) {
  return expression.nodes.size() == 1 && expression.root().op == Op::kNumber;
}

LadderResult CompareInfinite(const Expression& a, const Expression& b) {
  const absl::optional<int> left = SignOfInfinity(a);
  const absl::optional<int> right = SignOfInfinity(b);
  if (!left || !right) return {Decision::kUndecided, "infinity stands inside an expression"};
  if (*left == *right) return {Decision::kEqual, "both are infinite"};
  return {Decision::kNotEqual, "one is infinite"};
}

LadderResult CompareFractions(const Rational& a, const Rational& b) {
  if (a == b) return {Decision::kEqual, "equal as fractions"};
  return {Decision::kNotEqual, "different fractions"};
}

LadderResult CompareScalars(const Expression& a, const Expression& b) {
  if (IsNumber(a) && IsNumber(b)) {  // so common that it has a way of its own
    const absl::optional<Rational> left = RationalOfDecimal(a.root().text);
    const absl::optional<Rational> right = RationalOfDecimal(b.root().text);
    if (left && right) return CompareFractions(*left, *right);
  }
  ExactEvaluator exact_a(a);
  ExactEvaluator exact_b(b);
  const absl::optional<Rational> left = exact_a.EvaluateRoot();
  const absl::optional<Rational> right = exact_b.EvaluateRoot();
  if (left && right) return CompareFractions(*left, *right);
  switch (CompareModulo(a, exact_a, b, exact_b)) {
    case ModularVerdict::kEqual:
      return {Decision::kEqual, "equal modulo primes"};
    case ModularVerdict::kDifferent:
      return {Decision::kNotEqual, "different modulo a prime"};
    case ModularVerdict::kUnknown:
      break;
  }
  if (HasVariables(a, exact_a) || HasVariables(b, exact_b)) {
    return CompareFunctions(a, exact_a, b, exact_b, /*up_to_factor=*/false);
  }
  return CompareConstants(a, exact_a, b, exact_b);
}

LadderResult CompareSignSets(const Expression& a, const Expression& b) {
  const std::vector<Expression> left = AllSigns(a);
  const std::vector<Expression> right = AllSigns(b);
  if (left.empty() || right.empty()) return {Decision::kUndecided, "too many plus-minus signs"};
  std::vector<bool> found_left(left.size(), false);
  std::vector<bool> found_right(right.size(), false);
  for (size_t i = 0; i < left.size(); ++i) {
    for (size_t j = 0; j < right.size(); ++j) {
      if (found_left[i] && found_right[j]) continue;
      const Decision decision = CompareScalars(left[i], right[j]).decision;
      if (decision == Decision::kUndecided) {
        return {decision, "a value of the signs could not be decided"};
      }
      if (decision == Decision::kEqual) found_left[i] = found_right[j] = true;
    }
  }
  const auto all = [](const std::vector<bool>& found) {
    return std::find(found.begin(), found.end(), false) == found.end();
  };
  if (all(found_left) && all(found_right)) {
    return {Decision::kEqual, "the same values for all signs"};
  }
  return {Decision::kNotEqual, "the values of the signs differ"};
}

Ball RealValue(const Expression& expression, ExactEvaluator& exact, int bits) {
  Fuel fuel(300'000);
  BallEvaluator evaluator(expression, exact, /*point=*/0, bits, OddRoots::kReal, fuel);
  return evaluator.Evaluate(RootOf(expression), {});
}

absl::optional<int> CompareFinite(const Expression& a, const Expression& b) {
  ExactEvaluator exact_a(a);
  ExactEvaluator exact_b(b);
  const absl::optional<Rational> left = exact_a.EvaluateRoot();
  const absl::optional<Rational> right = exact_b.EvaluateRoot();
  if (left && right) return *left == *right ? 0 : *left <= *right ? -1 : 1;
  if (HasVariables(a, exact_a) || HasVariables(b, exact_b)) return absl::nullopt;
  bool real = false;
  for (const int bits : {64, 256, 1024, 4096}) {
    const Ball x = RealValue(a, exact_a, bits);
    const Ball y = RealValue(b, exact_b, bits);
    real = x.IsReal() && y.IsReal() && x.IsFinite() && y.IsFinite();
    const absl::optional<int> sign = x.Subtract(y, bits).Sign();
    if (real && sign) return sign;
  }
  if (real && CompareScalars(a, b).decision == Decision::kEqual) return 0;
  return absl::nullopt;
}

}  // namespace

LadderResult CompareExpressions(const Expression& a, const Expression& b) {
  FreeNumberCachesAtThreadEnd();
  if (!IsWellFormed(a) || !IsWellFormed(b)) {
    return {Decision::kUndecided, "an expression is too large or malformed"};
  }
  if (IsSameTree(a, b)) return {Decision::kEqual, "the same expression"};
  if (IsBefore(b, a)) return CompareExpressions(b, a);
  if (Has(a, Op::kInfinity) || Has(b, Op::kInfinity)) return CompareInfinite(a, b);
  if (Has(a, Op::kPlusMinus) || Has(b, Op::kPlusMinus)) return CompareSignSets(a, b);
  return CompareScalars(a, b);
}

LadderResult CompareUpToFactor(const Expression& a, const Expression& b) {
  FreeNumberCachesAtThreadEnd();
  if (!IsWellFormed(a) || !IsWellFormed(b)) {
    return {Decision::kUndecided, "an expression is too large or malformed"};
  }
  if (IsSameTree(a, b)) return {Decision::kEqual, "the same expression"};
  if (IsBefore(b, a)) return CompareUpToFactor(b, a);
  for (const Op op : {Op::kInfinity, Op::kPlusMinus}) {
    if (Has(a, op) || Has(b, op)) {
      return {Decision::kUndecided, "infinity or plus-minus stands in an equation"};
    }
  }
  ExactEvaluator exact_a(a);
  ExactEvaluator exact_b(b);
  switch (CompareModuloUpToFactor(a, exact_a, b, exact_b)) {
    case ModularVerdict::kEqual:
      return {Decision::kEqual, "proportional modulo primes"};
    case ModularVerdict::kDifferent:
      return {Decision::kNotEqual, "not proportional modulo a prime"};
    case ModularVerdict::kUnknown:
      break;
  }
  return CompareFunctions(a, exact_a, b, exact_b, /*up_to_factor=*/true);
}

absl::optional<int> CompareReal(const Expression& a, const Expression& b) {
  FreeNumberCachesAtThreadEnd();
  if (!IsWellFormed(a) || !IsWellFormed(b)) return absl::nullopt;
  if (Has(a, Op::kPlusMinus) || Has(b, Op::kPlusMinus)) return absl::nullopt;
  const absl::optional<int> left = SignOfInfinity(a);
  const absl::optional<int> right = SignOfInfinity(b);
  if (!left || !right) return absl::nullopt;
  if (*left == 0 && *right == 0) return CompareFinite(a, b);
  ExactEvaluator exact_a(a);
  ExactEvaluator exact_b(b);
  if (HasVariables(a, exact_a) || HasVariables(b, exact_b)) return absl::nullopt;
  return *left == *right ? 0 : *left < *right ? -1 : 1;
}

}  // namespace grpo
