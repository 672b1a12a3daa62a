// How fine a difference the numbers in an expression can make.
#pragma once

#include "reward/math/exact_value.h"
#include "reward/math/expression.h"

namespace grpo {

// About how many bits the numbers of an expression have together, with powers multiplied out:
// expressions of so few bits that differ, differ in far fewer than thousands of bits.
double HeightBits(const Expression& expression, ExactEvaluator& exact);

}  // namespace grpo
