// The AdamW optimizer over a policy's parameters.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/adamw.h"
#include "policy/weights.h"

namespace grpo {

struct OptimizerReport {
  double grad_norm = 0;  // before clipping
  double learning_rate = 0;
  bool skipped = false;  // the gradient was not finite: nothing was changed
};

// m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
// w -= lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w).
class AdamW {
 public:
  // The optimizer keeps the tensors of `parameters` and changes them in place.
  AdamW(std::vector<NamedTensor> parameters, const AdamWConfig& config, int64_t total_steps);

  // gradients: one for each parameter, in their order; clipped to the global norm in place.
  OptimizerReport Step(std::vector<at::Tensor>& gradients);

  int64_t step() const { return step_; }

  // What a checkpoint keeps: the moments as "m.<name>" and "v.<name>"; the step counter beside
  // them.
  std::vector<NamedTensor> State() const;
  void SetStep(int64_t step) { step_ = step; }

 private:
  std::vector<NamedTensor> parameters_;
  AdamWConfig config_;
  int64_t total_steps_;
  int64_t step_ = 0;
  std::vector<at::Tensor> first_;
  std::vector<at::Tensor> second_;
};

}  // namespace grpo
