// What evaluators rely on in the expressions they are given.
#pragma once

#include "reward/math/expression.h"

namespace grpo {

inline constexpr int kMostNodes = 4096;
inline constexpr int kDeepestExpression = 256;

// Arguments stand before what they are arguments of and are as many as the operator has; neither
// too many nodes nor too deep a nesting.
bool IsWellFormed(const Expression& expression);

}  // namespace grpo
