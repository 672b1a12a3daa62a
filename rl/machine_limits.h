// What this machine can do, measured: the roof of a roofline.
#pragma once

#include <ATen/core/Tensor.h>

namespace grpo {

struct MachineLimits {
  double flops_per_second = 0;  // of matrix products of LibTorch, 1024 x 1024 x 1024
  double bytes_per_second = 0;  // of reading memory that no cache holds
};

// The best of several short runs with this many threads at once; takes about a second.
MachineLimits MeasureMachine(int threads, at::ScalarType dtype);

}  // namespace grpo
