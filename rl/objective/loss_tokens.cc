#include "rl/objective/loss_tokens.h"

#include <ATen/ATen.h>

namespace grpo {

at::Tensor LossTokens::SequenceSum(const at::Tensor& values) const {
  const at::Tensor sums = at::zeros({lengths.size(0)}, values.options());
  return sums.index_add(0, sequences, values).index_select(0, sequences);
}

at::Tensor LossTokens::SequenceMean(const at::Tensor& values) const {
  return SequenceSum(values) / lengths.index_select(0, sequences);
}

}  // namespace grpo
