#include <algorithm>

#include "reward/math/ball_comparison.h"
#include "reward/math/ball_value.h"
#include "reward/math/calcium_comparison.h"
#include "reward/math/height.h"

namespace grpo {
namespace {

constexpr int kPrecisions[] = {64, 256, 1024, 4096};
constexpr int64_t kFuelPerValue[] = {100'000, 150'000, 200'000, 600'000};
// Expressions of at most so many bits are taken for equal where they agree to kAgreementBits.
constexpr double kMostBits = 1200;
constexpr int64_t kAgreementBits = 3000;

struct Outcome {
  LadderResult result;
  bool met_negative_root = false;
};

struct Side {
  const Expression& expression;
  ExactEvaluator& exact;

  Ball Evaluate(int step, OddRoots odd_roots, bool& met_negative_root) const {
    Fuel fuel(kFuelPerValue[step]);
    BallEvaluator evaluator(expression, exact, /*point=*/0, kPrecisions[step], odd_roots, fuel);
    Ball value = evaluator.Evaluate(static_cast<int32_t>(expression.nodes.size()) - 1, {});
    met_negative_root = met_negative_root || evaluator.met_negative_root();
    return value;
  }
};

bool AgreeFully(const Side& a, const Side& b, const Ball& left, const Ball& right, int bits) {
  const double height = HeightBits(a.expression, a.exact) + HeightBits(b.expression, b.exact);
  if (height > kMostBits) return false;
  const int64_t scale =
      std::max({left.UpperExponent(), right.UpperExponent(), -static_cast<int64_t>(height)});
  return left.Subtract(right, bits).UpperExponent() <= scale - kAgreementBits;
}

// Last, because Calcium takes longer than 4096 bits do.
LadderResult Proved(const Side& a, const Side& b, OddRoots odd_roots) {
  const absl::optional<bool> proof =
      ProveEqual(a.expression, a.exact, b.expression, b.exact, odd_roots);
  if (!proof) return {Decision::kUndecided, "the values are too close to be told apart"};
  if (*proof) return {Decision::kEqual, "the values are proved equal"};
  return {Decision::kNotEqual, "the values are proved different"};
}

Outcome CompareBalls(const Side& a, const Side& b, OddRoots odd_roots) {
  Outcome outcome{{Decision::kUndecided, "a value could not be calculated"}};
  constexpr int kLast = 3;
  for (int step = 0; step <= kLast; ++step) {
    const Ball left = a.Evaluate(step, odd_roots, outcome.met_negative_root);
    const Ball right = b.Evaluate(step, odd_roots, outcome.met_negative_root);
    if (left.IsDisjointFrom(right)) {
      outcome.result = {Decision::kNotEqual, "the values differ"};
      return outcome;
    }
    if (!left.IsFinite() || !right.IsFinite()) {
      if (step > 0) break;  // a value that more bits bring to light is rare
      continue;
    }
    if (step < kLast) continue;
    if (AgreeFully(a, b, left, right, kPrecisions[step])) {
      outcome.result = {Decision::kEqual, "the values agree to 3000 bits"};
    } else {
      outcome.result = Proved(a, b, odd_roots);
    }
  }
  return outcome;
}

}  // namespace

LadderResult CompareConstants(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                              ExactEvaluator& exact_b) {
  const Side left{a, exact_a};
  const Side right{b, exact_b};
  const Outcome real = CompareBalls(left, right, OddRoots::kReal);
  if (real.result.decision == Decision::kEqual || !real.met_negative_root) return real.result;
  const Outcome principal = CompareBalls(left, right, OddRoots::kPrincipal);
  return principal.result.decision == Decision::kNotEqual ? real.result : principal.result;
}

}  // namespace grpo
