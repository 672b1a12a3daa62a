// Sets of real numbers: intervals, unions of them and what inequalities of one variable say.
#pragma once

#include <string>
#include <vector>

#include "absl/types/optional.h"

#include "reward/math/answer.h"

namespace grpo {

// From `low` to `high`, which are constants or infinite; a point has both ends closed and equal.
struct RealInterval {
  Answer low, high;
  bool low_closed = false, high_closed = false;
};

struct IntervalSet {
  std::vector<RealInterval> intervals;  // in rising order, apart from each other
  std::string subject;  // canonical text of what an inequality limits; empty for a plain set
};

// Order of two real constants, infinite ones included: -1, 0, 1; nothing where it is not decided.
absl::optional<int> CompareConstants(const Answer& a, const Answer& b);

// A pair of numbers in brackets, a set of numbers, a union or difference of such, the real numbers,
// or inequalities that are linear in one name or its absolute value; nothing for anything else.
absl::optional<IntervalSet> ToIntervals(const Answer& answer);

}  // namespace grpo
