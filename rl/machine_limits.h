// What this machine can do, measured: the roof of a roofline.
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

namespace grpo {

struct MachineLimits {
  double flops_per_second = 0;  // of matrix products of LibTorch, 1024 x 1024 x 1024
  double bytes_per_second = 0;  // of reading memory that no cache holds
};

// Several short runs with this many threads at once; takes about a second.
std::vector<MachineLimits> MeasureMachine(int threads, at::ScalarType dtype);

// The medians of all runs. A shared machine gives twice as much in one minute as in the next: only
// runs before and after a measurement see what it saw.
MachineLimits MedianLimits(const std::vector<MachineLimits>& before,
                           const std::vector<MachineLimits>& after);

}  // namespace grpo
