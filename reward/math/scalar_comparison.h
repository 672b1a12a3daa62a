// Numbers and expressions under a policy of precision, degrees and percentages.
#pragma once

#include "absl/types/optional.h"

#include "reward/math/answer.h"
#include "reward/math/equivalence.h"
#include "reward/math/ladder.h"

namespace grpo {

MathComparison Equal(const char* reason);
MathComparison Different(const char* reason);
MathComparison Undecided(const char* reason);

bool IsOp(const Answer& answer, Op op);

// a - b.
Answer Difference(const Answer& a, const Answer& b);

// Serves one comparison of two answers: what it spends on their parts adds up to a bounded amount
// of work.
class ScalarComparer {
 public:
  explicit ScalarComparer(const MathPolicy& policy) : policy_(policy) {}

  // Two scalars, the truth first; different where one is no scalar.
  MathComparison Compare(const Answer& truth, const Answer& answer);
  // Whether a is b times a constant that is not zero.
  MathComparison UpToFactor(const Answer& a, const Answer& b);

 private:
  // Degrees and percentages as a whole.
  absl::optional<MathComparison> SpecialScalars(const Answer& a, const Answer& b);
  MathComparison ExactScalars(const Answer& a, const Answer& b);
  // Rational operations cost the ladder microseconds, roots and functions up to milliseconds.
  static int LadderCost(const Answer& answer);
  bool Affordable(const Answer& a, const Answer& b);
  static bool IsInfinite(const Answer& answer);
  MathComparison FromLadder(const LadderResult& result);
  bool Close(const Answer& truth, const Answer& answer);
  // Digits that a program prints for a number without a finite decimal form.
  bool MachinePrecision(const Answer& decimal, const Answer& other);
  // digit · 10^-(decimals + shift).
  static Answer LastPlace(const Answer& decimal, const char* digit, int shift);
  static bool Within(const Answer& a, const Answer& b, const Answer& bound, bool inclusive);

  const MathPolicy& policy_;
  int ladder_cost_ = 0, undecided_calls_ = 0;
};

}  // namespace grpo
