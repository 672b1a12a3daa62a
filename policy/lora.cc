#include "policy/lora.h"

#include <cmath>

#include <ATen/ATen.h>

#include "data/random.h"

namespace grpo {
namespace {

// Adapters in the order in which they are made: each has its own stream of random numbers.
class Maker {
 public:
  Maker(const LoraConfig& config, uint64_t seed) : config_(config), seed_(seed) {}

  // Of a matrix [out, in], or of as many as there are experts.
  LowRank Make(int rank, int64_t out, int64_t in, int64_t experts = 0) {
    LowRank adapter;
    const uint64_t stream = stream_++;
    if (rank == 0) return adapter;
    adapter.scale = config_.alpha / rank;
    adapter.a = experts > 0 ? at::empty({experts, rank, in}) : at::empty({rank, in});
    adapter.b = experts > 0 ? at::zeros({experts, out, rank}) : at::zeros({out, rank});
    RandomStream random(seed_, stream);
    const double bound = 1 / std::sqrt(static_cast<double>(in));
    float* values = adapter.a.mutable_data_ptr<float>();
    for (int64_t i = 0; i < adapter.a.numel(); ++i) {
      values[i] = static_cast<float>(bound * (2 * random.Uniform() - 1));
    }
    return adapter;
  }

 private:
  const LoraConfig& config_;
  const uint64_t seed_;
  uint64_t stream_ = 0;
};

void AddAttention(const PolicyConfig& policy, int rank, Maker& maker, LayerAdapters& layer) {
  const int64_t width = policy.hidden_size, heads = policy.num_attention_heads;
  if (policy.architecture().latent()) {
    const int64_t query = heads * (policy.qk_nope_head_dim + policy.qk_rope_head_dim),
                  compressed = policy.q_lora_rank, latent = policy.kv_lora_rank;
    if (compressed > 0) layer.q_a = maker.Make(rank, compressed, width);
    layer.q = maker.Make(rank, query, compressed > 0 ? compressed : width);
    layer.kv_a = maker.Make(rank, latent + policy.qk_rope_head_dim, width);
    layer.kv_b = maker.Make(rank, heads * (policy.qk_nope_head_dim + policy.v_head_dim), latent);
    layer.o = maker.Make(rank, width, heads * policy.v_head_dim);
    return;
  }
  const int64_t query = heads * policy.grouped_head_dim(),
                cached = int64_t{policy.num_key_value_heads} * policy.grouped_head_dim();
  layer.query = maker.Make(rank, query, width);
  layer.key = maker.Make(rank, cached, width);
  layer.value = maker.Make(rank, cached, width);
  layer.o = maker.Make(rank, width, query);
}

}  // namespace

Adapters NewAdapters(const PolicyConfig& policy, const LoraConfig& config, uint64_t seed) {
  Adapters adapters;
  adapters.config = config;
  if (!config.enabled()) return adapters;
  Maker maker(config, seed);
  const int64_t width = policy.hidden_size;
  for (int i = 0; i < policy.num_hidden_layers; ++i) {
    LayerAdapters layer;
    AddAttention(policy, config.attention_rank, maker, layer);
    const bool moe = policy.is_moe_layer(i);
    const int64_t inner = moe ? int64_t{policy.moe_intermediate_size} * policy.n_shared_experts
                              : policy.intermediate_size;
    if (inner > 0) {
      layer.gate = maker.Make(config.mlp_rank, inner, width);
      layer.up = maker.Make(config.mlp_rank, inner, width);
      layer.down = maker.Make(config.mlp_rank, width, inner);
    }
    if (moe) {
      const int64_t experts = policy.n_routed_experts, of_expert = policy.moe_intermediate_size;
      layer.expert_gate_up = maker.Make(config.expert_rank, 2 * of_expert, width, experts);
      layer.expert_down = maker.Make(config.expert_rank, width, of_expert, experts);
    }
    adapters.layers.push_back(std::move(layer));
  }
  adapters.head = maker.Make(config.head_rank, policy.vocab_size, width);
  return adapters;
}

}  // namespace grpo
