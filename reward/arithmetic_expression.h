// Evaluates arithmetic expressions exactly.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "reward/rational.h"

namespace grpo {

struct EvaluatedExpression {
  Rational value;
  std::vector<int64_t> numbers;  // in the order in which they stand in the text
};

// An expression of integers >= 0, + - * / (also × · ÷ −), parentheses and white space, by the usual
// precedence. No signs before numbers, no powers. At most `max_numbers` numbers of at most 18
// digits and 64 parentheses within one another, so that the work is bounded. The error says what
// was found and at which byte.
absl::StatusOr<EvaluatedExpression> EvaluateExpression(absl::string_view text, size_t max_numbers);

}  // namespace grpo
