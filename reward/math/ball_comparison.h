// Two expressions compared by ball arithmetic.
#pragma once

#include "reward/math/exact_value.h"
#include "reward/math/expression.h"
#include "reward/math/ladder.h"

namespace grpo {

// Both without variables.
LadderResult CompareConstants(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                              ExactEvaluator& exact_b);

// With variables in at least one. `up_to_factor`: whether a = k b for a constant k that is not 0.
LadderResult CompareFunctions(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                              ExactEvaluator& exact_b, bool up_to_factor);

}  // namespace grpo
