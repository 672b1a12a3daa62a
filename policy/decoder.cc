#include "policy/decoder.h"

#include <ATen/ATen.h>

#include "policy/ops.h"
#include "policy/router.h"

namespace grpo {
namespace {

// The norms inside MLA have their own epsilon, whatever rms_norm_eps says.
constexpr double kLatentNormEps = 1e-6;

at::Tensor Mlp(const at::Tensor& x, const MlpWeights& weights) {
  return Linear(SwiGlu(Linear(x, weights.gate_up)), weights.down);
}

at::Tensor AttentionBlock(const PolicyConfig& config, int layer, const LayerWeights& weights,
                          const at::Tensor& x, const RopeTables& rope, Attention& attention) {
  const int64_t tokens = x.size(0), heads = config.num_attention_heads,
                latent = config.kv_lora_rank;
  const int64_t nope = config.qk_nope_head_dim, rotary = config.qk_rope_head_dim,
                value = config.v_head_dim;
  const at::Tensor compressed =
      weights.q_a.defined() ? RmsNorm(Linear(x, weights.q_a), weights.q_a_norm, kLatentNormEps) : x;
  const at::Tensor q = Linear(compressed, weights.q).view({tokens, heads, nope + rotary});
  const at::Tensor kv = Linear(x, weights.kv_a);
  const at::Tensor latents = RmsNorm(kv.narrow(1, 0, latent), weights.kv_a_norm, kLatentNormEps);
  const at::Tensor k_rope =
      Rope(kv.narrow(1, latent, rotary).unsqueeze(1), rope.cos, rope.sin).squeeze(1);

  const at::Tensor kv_b = weights.kv_b.view({heads, nope + value, latent});
  const at::Tensor to_key = kv_b.narrow(1, 0, nope);                          // [H, nope, L]
  const at::Tensor from_value = kv_b.narrow(1, nope, value).transpose(1, 2);  // [H, L, v]
  const at::Tensor q_latent = HeadProducts(q.narrow(2, 0, nope), to_key);
  const at::Tensor q_rope = Rope(q.narrow(2, nope, rotary), rope.cos, rope.sin);
  const at::Tensor mixed =
      attention.Mix(layer, at::cat({q_latent, q_rope}, 2), at::cat({latents, k_rope}, 1));
  return Linear(HeadProducts(mixed, from_value).view({tokens, heads * value}), weights.o);
}

at::Tensor MoeBlock(const PolicyConfig& config, const LayerWeights& weights, const at::Tensor& x,
                    int moe_layer, const ExpertChoices* replayed, ExpertChoices* chosen) {
  const Routing routing = Route(config, x, weights.router, weights.router_bias,
                                replayed == nullptr ? at::Tensor() : replayed->layers[moe_layer]);
  if (chosen != nullptr) chosen->layers.push_back(routing.chosen);
  const at::Tensor routed =
      ExpertMlps(x, weights.expert_gate_up, weights.expert_down, routing.chosen, routing.weights);
  return weights.mlp.down.defined() ? routed + Mlp(x, weights.mlp) : routed;
}

}  // namespace

at::Tensor PackedSequences::Mix(int, const at::Tensor& q, const at::Tensor& rows) {
  return PackedLatentAttention(q, rows, config_.kv_lora_rank, cu_seqlens_, SoftmaxScale(config_));
}

at::Tensor DecoderHidden(const Weights& weights, const at::Tensor& tokens,
                         const at::Tensor& positions, Attention& attention,
                         const ExpertChoices* replayed, ExpertChoices* chosen) {
  const PolicyConfig& config = weights.config;
  const RopeTables rope = MakeRopeTables(config, positions, weights.embedding.scalar_type());
  at::Tensor hidden = at::embedding(weights.embedding, tokens);
  int moe_layer = 0;
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    const LayerWeights& layer = weights.layers[i];
    const at::Tensor x = RmsNorm(hidden, layer.input_norm, config.rms_norm_eps);
    hidden = hidden + AttentionBlock(config, i, layer, x, rope, attention);
    const at::Tensor y = RmsNorm(hidden, layer.post_norm, config.rms_norm_eps);
    hidden = hidden + (layer.is_moe() ? MoeBlock(config, layer, y, moe_layer++, replayed, chosen)
                                      : Mlp(y, layer.mlp));
  }
  return RmsNorm(hidden, weights.final_norm, config.rms_norm_eps);
}

}  // namespace grpo
