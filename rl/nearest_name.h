// "Did you mean …?": the known name nearest to a misspelt one.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment) that turn
// one text into the other, regardless of case. O(|a| |b|) time.
int EditDistance(absl::string_view a, absl::string_view b);

// The candidate at the smallest distance, the first of equals; none where even that one is a
// different word (more than a third of its letters differ and neither begins with the other).
absl::optional<std::string> NearestName(absl::string_view name,
                                        const std::vector<std::string>& candidates);

}  // namespace grpo
