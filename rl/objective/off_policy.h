// Corrections for samples of another policy than the one that learns: an older one, or the same one
// in other numerics. With rho = pi_train / mu per token, where pi_train is the learner's policy
// before the step's updates where it was recomputed, and else the one that learns:
//
//   full    rho                    decoupled PPO's three policies (arXiv 2505.24298)
//   tis     min(rho, high)         truncated importance sampling
//   mis     rho where rho <= high, else 0
//   icepop  rho where low <= rho <= high, else 0 (arXiv 2510.18855)
//
// At level "sequence" rho is the product over the sequence. On top of it, whole sequences count for
// nothing
//   - where exp(mean log rho) leaves [geometric_low, geometric_high];
//   - where A < 0 and mean log(mu / pi) > sequence_mask_delta: DeepSeek-V3.2's mask of bad
//     sequences that the policy has left already (arXiv 2512.02556).
// Masked tokens stay in the loss's denominator.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rl/objective/loss_tokens.h"
#include "rl/objective/objective_config.h"

namespace grpo {

struct OffPolicyWeights {
  at::Tensor weights;     // [C], no gradient
  int64_t truncated = 0;  // tokens whose weight was cut
  int64_t masked = 0;     // tokens that count for nothing
};

// `recomputed` says whether old_logprobs are the learner's own.
OffPolicyWeights CorrectionWeights(const OffPolicyConfig& config, const LossTokens& tokens,
                                   bool recomputed);

}  // namespace grpo
