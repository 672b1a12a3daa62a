// The tokens that a micro-batch learns from, as objectives see them: C in all, one sequence after
// the other, S sequences.
#pragma once

#include <ATen/core/Tensor.h>

namespace grpo {

struct LossTokens {
  at::Tensor logprobs;           // [C] log pi of the policy that learns, with gradient
  at::Tensor old_logprobs;       // [C] log pi_old: what ratios are taken to
  at::Tensor behavior_logprobs;  // [C] log mu: of the policy that sampled
  at::Tensor advantages;         // [C]
  at::Tensor sequences;          // [C] int64: which sequence, 0 to S - 1
  at::Tensor lengths;            // [S]: tokens of each

  // The mean of values [C] over each token's own sequence, [C].
  at::Tensor SequenceMean(const at::Tensor& values) const;
  // The same for the sum.
  at::Tensor SequenceSum(const at::Tensor& values) const;
};

}  // namespace grpo
