// Fractions of small integers: what most answers are, compared without the ladder.
#pragma once

#include <cstdint>

#include "absl/types/optional.h"

#include "reward/math/answer.h"

namespace grpo {

// In lowest terms, the denominator positive.
struct SmallFraction {
  int64_t numerator = 0;
  int64_t denominator = 1;
  bool operator==(const SmallFraction& other) const {
    return numerator == other.numerator && denominator == other.denominator;
  }
  bool operator<(const SmallFraction& other) const {
    return static_cast<__int128>(numerator) * other.denominator <
           static_cast<__int128>(other.numerator) * denominator;
  }
};

// The exact value of numbers, signs, sums, products and quotients of them; nothing for anything
// else and where 64 bits do not suffice.
absl::optional<SmallFraction> ValueOf(const Answer& answer);

// The same in the tree's own terms: -7/2.
Answer FractionAnswer(const SmallFraction& fraction);

}  // namespace grpo
