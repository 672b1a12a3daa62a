// Two expressions compared modulo primes.
#pragma once

#include "reward/math/exact_value.h"
#include "reward/math/expression.h"

namespace grpo {

enum class ModularVerdict : uint8_t { kEqual, kDifferent, kUnknown };

ModularVerdict CompareModulo(const Expression& a, ExactEvaluator& exact_a, const Expression& b,
                             ExactEvaluator& exact_b);
// Whether a = k b for a constant k that is not 0.
ModularVerdict CompareModuloUpToFactor(const Expression& a, ExactEvaluator& exact_a,
                                       const Expression& b, ExactEvaluator& exact_b);

}  // namespace grpo
