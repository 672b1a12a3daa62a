#include "rollout/paged_sequences.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "policy/kernels/kernels.h"
#include "policy/rope.h"

namespace grpo {

void PagedSequences::SetRows(const std::vector<int32_t>& sequences, const std::vector<int32_t>& positions) {
  sequences_ = sequences;
  positions_ = positions;
  num_visible_.resize(positions.size());
  for (size_t n = 0; n < positions.size(); ++n) num_visible_[n] = positions[n] + 1;
}

at::Tensor PagedSequences::Attend(int layer, const LayerWeights& weights, const AttentionInput& input,
                                  const RopeTables& rope) {
  const Kernels<float>& kernels = ActiveKernels<float>();
  const int rows = static_cast<int>(sequences_.size()), heads = config_.num_attention_heads;
  const int nope = config_.qk_nope_head_dim, rotary = config_.qk_rope_head_dim, value = config_.v_head_dim;
  const int latent = config_.kv_lora_rank, row_width = latent + rotary, head_rows = nope + value;
  const float* latents = input.latent.const_data_ptr<float>();
  const float* k_rope = input.k_rope.const_data_ptr<float>();
  for (int n = 0; n < rows; ++n) {
    float* row = cache_.Row(layer, sequences_[n], positions_[n]);
    std::copy_n(latents + static_cast<int64_t>(n) * latent, latent, row);
    std::copy_n(k_rope + static_cast<int64_t>(n) * rotary, rotary, row + latent);
  }

  at::Tensor q = at::empty({rows, heads, row_width}, input.q.options());
  float* q_data = q.mutable_data_ptr<float>();
  const float* q_in = input.q.const_data_ptr<float>();
  const float* kv_b = weights.kv_b.const_data_ptr<float>();
  const int64_t q_stride = static_cast<int64_t>(heads) * (nope + rotary), out_stride = static_cast<int64_t>(heads) * row_width;
  for (int h = 0; h < heads; ++h) {  // q_nope W_UK
    kernels.gemm(rows, latent, nope, q_in + h * (nope + rotary), q_stride, 1,
                 kv_b + static_cast<int64_t>(h) * head_rows * latent, latent, 1, q_data + h * row_width, out_stride, false);
  }
  kernels.rope(rows, heads, rotary, q_in + nope, q_stride, nope + rotary, rope.cos.const_data_ptr<float>(),
               rope.sin.const_data_ptr<float>(), /*inverse=*/false, q_data + latent, out_stride, row_width);

  at::Tensor mixed = at::empty({rows, heads, latent}, input.q.options());
  kernels.paged_attention({.q = q_data,
                           .pages = cache_.LayerPages(layer),
                           .block_tables = cache_.block_tables(),
                           .sequence_of = sequences_.data(),
                           .num_visible = num_visible_.data(),
                           .num_rows = rows,
                           .num_heads = heads,
                           .row_dim = row_width,
                           .latent_dim = latent,
                           .page_size = cache_.page_size(),
                           .max_pages = cache_.max_pages(),
                           .scale = static_cast<float>(SoftmaxScale(config_))},
                          mixed.mutable_data_ptr<float>());

  at::Tensor out = at::empty({rows, static_cast<int64_t>(heads) * value}, input.q.options());
  for (int h = 0; h < heads; ++h) {  // mixed W_UV^T
    kernels.gemm(rows, value, latent, mixed.const_data_ptr<float>() + h * latent, static_cast<int64_t>(heads) * latent, 1,
                 kv_b + (static_cast<int64_t>(h) * head_rows + nope) * latent, 1, latent,
                 out.mutable_data_ptr<float>() + h * value, static_cast<int64_t>(heads) * value, false);
  }
  return out;
}

}  // namespace grpo
