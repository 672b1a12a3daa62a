#include <algorithm>
#include <vector>

#include "reward/math/ball_comparison.h"
#include "reward/math/ball_value.h"
#include "reward/math/height.h"

namespace grpo {
namespace {

constexpr int kFirstBits = 64;
constexpr int kMostBits = 4096;
constexpr int64_t kFuel = 250'000;      // of one side, at first
constexpr int64_t kFineFuel = 600'000;  // and with more bits
constexpr int kFewestPoints = 2;
constexpr int kEnoughPoints = 5;  // with more bits: that all points agree roughly is known then

// What the points say together.
struct Tally {
  int equal = 0;  // points that count
  int equal_complex = 0;
  bool different = false;
  bool different_complex = false;
  bool close = false;  // overlapping balls at a point that are too wide to count as equal
};

class FunctionComparison {
 public:
  FunctionComparison(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                     ExactEvaluator& exact_b, bool up_to_factor)
      : a_(a),
        b_(b),
        exact_a_(exact_a),
        exact_b_(exact_b),
        complex_(HasImaginaryUnit(a) || HasImaginaryUnit(b)),
        up_to_factor_(up_to_factor) {}

  LadderResult Compare() {
    if (At(kFirstBits, kFuel, 0).different) return Different();
    const double height = HeightBits(a_, exact_a_) + HeightBits(b_, exact_b_);
    const double bits = 320 + 2 * height;
    if (bits > kMostBits) {
      return {Decision::kUndecided, "the numbers in the functions are too large"};
    }
    const Tally fine = At(static_cast<int>(bits), kFineFuel, static_cast<int64_t>(height));
    return Decide(fine);
  }

 private:
  static bool HasImaginaryUnit(const Expression& expression) {
    return std::any_of(expression.nodes.begin(), expression.nodes.end(),
                       [](const Expression::Node& node) { return node.op == Op::kI; });
  }

  static LadderResult Different() { return {Decision::kNotEqual, "the functions differ"}; }

  static LadderResult Decide(const Tally& tally) {
    if (tally.different) return Different();
    if (tally.close) {
      return {Decision::kUndecided, "the functions are too close to be told apart"};
    }
    if (tally.equal >= kFewestPoints) {
      return {Decision::kEqual, "the functions agree where both are defined"};
    }
    if (tally.equal > 0) return {Decision::kUndecided, "the functions have too few common points"};
    if (tally.different_complex) return Different();
    if (tally.equal_complex >= kFewestPoints) {
      return {Decision::kEqual, "the functions agree where both are defined, in complex values"};
    }
    return {Decision::kUndecided, "the functions have no common points"};
  }

  static Ball Evaluate(const Expression& expression, ExactEvaluator& exact, int point, int bits,
                       Fuel& fuel) {
    BallEvaluator evaluator(expression, exact, point, bits, OddRoots::kReal, fuel);
    return evaluator.Evaluate(static_cast<int32_t>(expression.nodes.size()) - 1, {});
  }

  Tally At(int bits, int64_t fuel, int64_t height) {
    Tally tally;
    Fuel fuel_a(fuel);
    Fuel fuel_b(fuel);
    Ball reference_a;
    Ball reference_b;
    bool has_reference = !up_to_factor_;
    for (int point = 0; point < kNumPoints && !tally.different && !IsEnough(tally, bits); ++point) {
      Ball left = Evaluate(a_, exact_a_, point, bits, fuel_a);
      if (!left.IsFinite()) continue;
      Ball right = Evaluate(b_, exact_b_, point, bits, fuel_b);
      if (!right.IsFinite()) continue;
      const bool counts = complex_ || (left.IsReal() && right.IsReal());
      if (up_to_factor_) {
        if (!counts) continue;
        if (!has_reference) {
          has_reference = IsNonzero(left, bits) && IsNonzero(right, bits);
          reference_a = std::move(left);
          reference_b = std::move(right);
          continue;
        }
        left = left.Multiply(reference_b, bits);
        right = right.Multiply(reference_a, bits);
      }
      Count(left, right, counts, bits, height, tally);
    }
    return tally;
  }

  static bool IsEnough(const Tally& tally, int bits) {
    return bits > kFirstBits && tally.equal >= kEnoughPoints;
  }

  static bool IsNonzero(const Ball& ball, int bits) { return ball.LowerExponent() > -bits / 2; }

  static void Count(const Ball& left, const Ball& right, bool counts, int bits, int64_t height,
                    Tally& tally) {
    if (left.IsDisjointFrom(right)) {
      (counts ? tally.different : tally.different_complex) = true;
      return;
    }
    const int64_t scale = std::max({left.UpperExponent(), right.UpperExponent(), int64_t{0}});
    const bool fine = left.Subtract(right, bits).UpperExponent() <= scale - 160 - height;
    if (!fine) {
      tally.close = tally.close || counts;
    } else {
      ++(counts ? tally.equal : tally.equal_complex);
    }
  }

  const Expression& a_;
  const Expression& b_;
  ExactEvaluator& exact_a_;
  ExactEvaluator& exact_b_;
  const bool complex_;
  const bool up_to_factor_;
};

}  // namespace

LadderResult CompareFunctions(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                              ExactEvaluator& exact_b, bool up_to_factor) {
  return FunctionComparison(a, exact_a, b, exact_b, up_to_factor).Compare();
}

}  // namespace grpo
