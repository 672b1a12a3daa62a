#include "rollout/paged_sequences.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "policy/kernels/kernels.h"

namespace grpo {

void PagedSequences::SetRows(const std::vector<int32_t>& sequences,
                             const std::vector<int32_t>& positions) {
  sequences_ = sequences;
  positions_ = positions;
  num_visible_.resize(positions.size());
  for (size_t n = 0; n < positions.size(); ++n) num_visible_[n] = positions[n] + 1;
}

at::Tensor PagedSequences::Mix(int layer, const at::Tensor& q, const at::Tensor& rows) {
  const int tokens = static_cast<int>(sequences_.size());
  const float* row = rows.const_data_ptr<float>();
  for (int n = 0; n < tokens; ++n, row += shape_.row_width()) {
    std::copy_n(row, shape_.row_width(), cache_.Row(layer, sequences_[n], positions_[n]));
  }
  at::Tensor mixed = at::empty({tokens, shape_.num_heads, shape_.value_dim}, q.options());
  ActiveKernels<float>().paged_attention({.shape = shape_,
                                          .q = q.const_data_ptr<float>(),
                                          .pages = cache_.LayerPages(layer),
                                          .block_tables = cache_.block_tables(),
                                          .sequence_of = sequences_.data(),
                                          .num_visible = num_visible_.data(),
                                          .num_rows = tokens,
                                          .page_size = cache_.page_size(),
                                          .max_pages = cache_.max_pages()},
                                         mixed.mutable_data_ptr<float>());
  return mixed;
}

}  // namespace grpo
