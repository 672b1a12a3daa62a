// A stable sort of values.
#pragma once

#include <vector>

#include "absl/status/statusor.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

// The positions of the keys in ascending order, or in descending order with equal ones as they
// stood. An error where two keys cannot be compared.
absl::StatusOr<std::vector<size_t>> SortedOrder(Runtime& runtime, const Values& keys,
                                                bool descending);

}  // namespace grpo::jinja
