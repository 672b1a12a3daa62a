// Activation recomputation (arXiv 1604.06174): memory for time. A part of a network keeps nothing
// but its input, and is computed once more when its backward pass comes.
#pragma once

#include <functional>
#include <vector>

#include <ATen/core/Tensor.h>

namespace grpo {

// A part of a network: floating-point outputs are differentiable, others not. A pure function of x
// and of parameters that do not change before the backward pass.
using NetworkPart = std::function<std::vector<at::Tensor>(const at::Tensor& x)>;

// part(x), with the gradients that it would have itself. x must require a gradient, or the part's
// parameters get none.
std::vector<at::Tensor> Recomputed(const NetworkPart& part, const at::Tensor& x);

}  // namespace grpo
