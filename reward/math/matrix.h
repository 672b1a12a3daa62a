// Arithmetic of matrices whose entries are expressions.
#pragma once

#include "absl/types/optional.h"

#include "reward/math/answer.h"

namespace grpo {

// Nothing where the sizes do not fit or the result has more than 256 entries. A factor that is no
// matrix is a scalar.
absl::optional<Answer> AddMatrices(const Answer& a, const Answer& b);
absl::optional<Answer> MultiplyMatrices(const Answer& a, const Answer& b);

}  // namespace grpo
