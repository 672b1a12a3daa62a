// The optimizers of a policy's parameters, with fp32 state.
//
// AdamW (arXiv 1711.05101): m = b1 m + (1 - b1) g, v = b2 v + (1 - b2) g^2,
//     w -= lr (m / (1 - b1^t) / (sqrt(v / (1 - b2^t)) + eps) + decay w)
// Muon (arXiv 2502.16982, with Nesterov's momentum): m = mu m + g, u = mu m + g,
//     w -= lr (0.2 sqrt(max(rows, columns)) orthogonal(u) + decay w),
// whose steps are about as long as AdamW's, so that the same learning rate serves both.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/optimizer_config.h"
#include "policy/weights.h"

namespace grpo {

struct OptimizerReport {
  double grad_norm = 0;  // before clipping
  double learning_rate = 0;
  bool skipped = false;  // the gradient was not finite: nothing was changed
};

// Nearly the closest matrix with orthonormal rows or columns, whichever are fewer, to a direction
// [A, B]: singular values near 1 in the place of its own, by five steps of Newton and Schulz
// (coefficients of github.com/KellerJordan/Muon).
at::Tensor Orthogonalised(const at::Tensor& direction);

class Optimizer {
 public:
  // The optimizer keeps the tensors of `parameters` and changes them in place. Muon takes those
  // `matrices` (2-D, named as in a checkpoint) that lie within a parameter, each by itself; a
  // parameter of which none does, embeddings and heads are AdamW's.
  Optimizer(std::vector<NamedTensor> parameters, const OptimizerConfig& config, int64_t total_steps,
            const std::vector<NamedTensor>& matrices = {});

  // gradients: one for each parameter, in their order; clipped to the global norm in place.
  OptimizerReport Step(std::vector<at::Tensor>& gradients);

  int64_t step() const { return step_; }

  // What a checkpoint keeps: the moments as "m.<name>" and "v.<name>"; the step counter beside
  // them.
  std::vector<NamedTensor> State() const;
  void SetStep(int64_t step) { step_ = step; }

 private:
  // A parameter and its state.
  struct Slot {
    NamedTensor parameter;
    at::Tensor first;
    at::Tensor second;                 // AdamW's
    std::vector<at::Tensor> matrices;  // Muon's: views of the parameter
  };
  void StepOfAdamW(Slot& slot, at::Tensor& gradient, float clip, double rate) const;
  void StepOfMuon(Slot& slot, at::Tensor& gradient, float clip, double rate) const;

  OptimizerConfig config_;
  int64_t total_steps_;
  int64_t step_ = 0;
  std::vector<Slot> slots_;
};

}  // namespace grpo
