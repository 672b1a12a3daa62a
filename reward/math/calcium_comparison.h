// Two constants compared by Calcium, which proves what it says.
#pragma once

#include "absl/types/optional.h"

#include "reward/math/ball_value.h"
#include "reward/math/exact_value.h"
#include "reward/math/expression.h"

namespace grpo {

// Nothing where Calcium does not know, has no such function, or might take longer than about a
// millisecond.
absl::optional<bool> ProveEqual(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                                ExactEvaluator& exact_b, OddRoots odd_roots);

}  // namespace grpo
