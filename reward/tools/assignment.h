// The best way to pair things one to one.
#pragma once

#include <cstdint>
#include <vector>

namespace grpo {

// For each row of a square matrix of weights the column that it is paired with, so that the sum of
// the weights is largest (the Hungarian method with potentials; Kuhn 1955, Munkres 1957). O(n³)
// time. The weights' magnitudes times n must fit int64_t.
std::vector<int> BestAssignment(const std::vector<std::vector<int64_t>>& weights);

}  // namespace grpo
