#include <atomic>

#include <ATen/ATen.h>

#include "data/status_macros.h"
#include "policy/ops.h"
#include "policy/threads.h"

namespace grpo {
namespace {

// Everything that the decoder multiplies with, as the right-hand factor [K, N].
std::vector<at::Tensor> Factors(const Weights& weights) {
  const PolicyConfig& config = weights.config;
  std::vector<at::Tensor> factors = {weights.head.t()};
  const auto add = [&](const at::Tensor& weight) {
    if (weight.defined()) factors.push_back(weight.t());
  };
  for (const LayerWeights& layer : weights.layers) {
    for (const at::Tensor& weight : {layer.q_a, layer.q, layer.kv_a, layer.qkv, layer.o,
                                     layer.mlp.gate_up, layer.mlp.down, layer.router}) {
      add(weight);
    }
    if (layer.is_moe()) {
      for (int64_t e = 0; e < layer.expert_gate_up.size(0); ++e) {
        add(layer.expert_gate_up[e]);
        add(layer.expert_down[e]);
      }
    }
    if (!layer.kv_b.defined()) continue;
    const int64_t nope = config.qk_nope_head_dim, value = config.v_head_dim;
    const at::Tensor kv_b =
        layer.kv_b.view({config.num_attention_heads, nope + value, config.kv_lora_rank});
    for (int64_t h = 0; h < kv_b.size(0); ++h) {
      factors.push_back(kv_b[h].narrow(0, 0, nope));
      factors.push_back(kv_b[h].narrow(0, nope, value).t());
    }
  }
  return factors;
}

at::Tensor Packed(const at::Tensor& b) {
  const Kernels<float>& kernels = ActiveKernels<float>();
  const int columns = b.size(1), rows = b.size(0);
  at::Tensor packed = at::empty({kernels.packed_size(columns, rows)}, b.scalar_type());
  if (b.scalar_type() == at::kBFloat16) {
    kernels.pack_bf16(columns, rows, static_cast<const BFloat16*>(b.const_data_ptr()), b.stride(0),
                      b.stride(1), static_cast<BFloat16*>(packed.mutable_data_ptr()));
  } else {
    kernels.pack(columns, rows, b.const_data_ptr<float>(), b.stride(0), b.stride(1),
                 packed.mutable_data_ptr<float>());
  }
  return packed;
}

}  // namespace

absl::StatusOr<std::unique_ptr<PackedWeights>> PackedWeights::Pack(const Weights& weights,
                                                                   int threads) {
  const std::vector<at::Tensor> factors = Factors(weights);
  std::vector<at::Tensor> packed(factors.size());
  std::atomic<size_t> next{0};
  RETURN_IF_ERROR(RunThreads(threads, [&](int) {
    for (size_t i = next++; i < factors.size(); i = next++) packed[i] = Packed(factors[i]);
    return absl::OkStatus();
  }));
  auto result = std::make_unique<PackedWeights>();
  for (size_t i = 0; i < factors.size(); ++i) {
    const at::Tensor& b = factors[i];
    result->entries_[b.const_data_ptr()] = {b.stride(0), b.stride(1), b.size(0), b.size(1),
                                            packed[i]};
  }
  return result;
}

}  // namespace grpo
