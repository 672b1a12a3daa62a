// The divergence of the policy from a reference, estimated from the tokens that were sampled. With
// D = log pi - log ref and r = pi / pi_old, per token (Schulman, "Approximating KL divergence"):
//
//   k1              D                       unbiased, may be negative
//   k2              D^2 / 2                 its gradient is that of the divergence, on-policy
//   k3              exp(-D) + D - 1         unbiased and never negative
//   k3_k2_gradient  k3's value with k2's gradient (verl's "k3+")
//   weighted_k3     r (exp(-D) + D - 1)     DeepSeek-V3.2 (arXiv 2512.02556): also off-policy, and
//                                           r takes its gradient: grad = r D grad log pi
//
// In the loss k1's gradient says nothing of the reference, so that a recipe may not ask for it; in
// the reward only values count.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

namespace grpo {

// All [C]: log pi, log pi_old, log ref. Differentiable in logprobs.
at::Tensor KlEstimate(const std::string& estimator, const at::Tensor& logprobs,
                      const at::Tensor& old_logprobs, const at::Tensor& reference_logprobs);

}  // namespace grpo
