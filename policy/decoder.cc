#include "policy/decoder.h"

#include <memory>

#include <ATen/ATen.h>

#include "policy/recompute.h"
#include "policy/router.h"

namespace grpo {
namespace {

const LayerAdapters kNoAdapters;

at::Tensor Mlp(const at::Tensor& x, const MlpWeights& weights, const LayerAdapters& adapters) {
  const at::Tensor inner = Adapt(Linear(x, weights.gate_up), 0, x, adapters.gate);
  const at::Tensor active =
      SwiGlu(Adapt(inner, weights.down.size(1), x, adapters.up), weights.down.scalar_type());
  return Adapt(Linear(active, weights.down), 0, active, adapters.down);
}

at::Tensor Scaled(const at::Tensor& x, double factor) { return factor == 1 ? x : x * factor; }

at::Tensor Projected(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                     const LowRank& adapter) {
  const at::Tensor y = Adapt(Linear(x, weight), 0, x, adapter);
  return bias.defined() ? y + bias : y;
}

// What every layer of one forward needs besides its input; kept for the backward pass where layers
// are recomputed.
struct Pass {
  const Weights& weights;
  RopeTables rope;
  PackedSequences sequences;
  const ExpertChoices* replayed;
};

at::Tensor LatentBlock(const Pass& pass, const LayerWeights& weights, const LayerAdapters& adapters,
                       const at::Tensor& input) {
  const PolicyConfig& config = pass.weights.config;
  const RopeTables& rope = pass.rope;
  const std::vector<at::Tensor> branches = Branch(input, 2);
  const at::Tensor &x = branches[0], &of_latents = branches[1];
  const int64_t tokens = x.size(0), heads = config.num_attention_heads, value = config.v_head_dim;
  const bool halves = config.architecture().rotary_pairs == Architecture::RotaryPairs::kHalves;
  const at::Tensor compressed =
      weights.q_a.defined() ? RmsNorm(Projected(x, weights.q_a, weights.q_a_bias, adapters.q_a),
                                      weights.q_a_norm, kLatentNormEps)
                            : x;
  const at::Tensor q =
      Adapt(Linear(compressed, weights.q), 0, compressed, adapters.q).view({tokens, heads, -1});
  const at::Tensor kv = Projected(of_latents, weights.kv_a, weights.kv_a_bias, adapters.kv_a);
  const at::Tensor rows =
      LatentRows(kv, weights.kv_a_norm, kLatentNormEps, rope.cos, rope.sin, halves);
  const at::Tensor values = LatentAttention(
      q, rows, weights.kv_b.view({heads, -1, config.kv_lora_rank}), adapters.kv_b, rope.cos,
      rope.sin, halves, SoftmaxScale(config), pass.sequences, AttendsInBFloat16(pass.weights));
  return Projected(values.view({tokens, heads * value}), weights.o, weights.o_bias, adapters.o);
}

// Every head [N, heads, d] normalised by itself; no norm where there is no weight.
at::Tensor HeadNorm(const at::Tensor& x, const at::Tensor& weight, double eps) {
  if (!weight.defined()) return x;
  return RmsNorm(x.reshape({-1, x.size(2)}), weight, eps).view(x.sizes());
}

at::Tensor GroupedBlock(const Pass& pass, const LayerWeights& weights,
                        const LayerAdapters& adapters, const at::Tensor& x) {
  const PolicyConfig& config = pass.weights.config;
  const RopeTables& rope = pass.rope;
  const int64_t tokens = x.size(0), heads = config.num_attention_heads,
                cached = config.num_key_value_heads, width = config.grouped_head_dim();
  at::Tensor qkv = Adapt(Linear(x, weights.qkv), 0, x, adapters.query);
  qkv = Adapt(qkv, heads * width, x, adapters.key);
  qkv = Adapt(qkv, (heads + cached) * width, x, adapters.value);
  if (weights.qkv_bias.defined()) qkv = qkv + weights.qkv_bias;
  qkv = qkv.view({tokens, heads + 2 * cached, width});
  const at::Tensor q = HeadNorm(qkv.narrow(1, 0, heads), weights.q_norm, config.rms_norm_eps);
  const at::Tensor k = HeadNorm(qkv.narrow(1, heads, cached), weights.k_norm, config.rms_norm_eps);
  const at::Tensor v = qkv.narrow(1, heads + cached, cached);
  const bool halves = config.architecture().rotary_pairs == Architecture::RotaryPairs::kHalves;
  const at::Tensor rows = at::cat({Rope(k, rope.cos, rope.sin, halves), v}, 2);
  const at::Tensor mixed = PackedAttention(
      Rope(q, rope.cos, rope.sin, halves), rows.view({tokens, cached * 2 * width}),
      CachedAttentionShape(config), pass.sequences, AttendsInBFloat16(pass.weights));
  return Projected(mixed.view({tokens, heads * width}), weights.o, weights.o_bias, adapters.o);
}

// A layer's output, and of a layer with experts the chosen ones and the router's logits.
std::vector<at::Tensor> Layer(const Pass& pass, int number, int moe_layer,
                              const at::Tensor& input) {
  const PolicyConfig& config = pass.weights.config;
  const LayerWeights& weights = pass.weights.layers[number];
  const LayerAdapters& adapters =
      pass.weights.adapters.enabled() ? pass.weights.adapters.layers[number] : kNoAdapters;
  const auto attend = config.architecture().latent() ? LatentBlock : GroupedBlock;
  const double scale = config.residual_scale(), eps = config.rms_norm_eps;
  const auto [stream, x] = AddAndNorm(input, at::Tensor(), 1, weights.input_norm, eps);
  const auto [attended, y] =
      AddAndNorm(stream, attend(pass, weights, adapters, x), scale, weights.post_norm, eps);
  if (!weights.is_moe()) return {AddBlock(attended, Mlp(y, weights.mlp, adapters), scale)};
  const bool has_shared = weights.mlp.down.defined();
  const std::vector<at::Tensor> branches = Branch(y, has_shared ? 3 : 2);
  const Routing routing =
      Route(config, branches[0], weights.router, weights.router_bias,
            pass.replayed == nullptr ? at::Tensor() : pass.replayed->layers[moe_layer]);
  at::Tensor block =
      ExpertMlps(branches[1], weights.expert_gate_up, weights.expert_down, routing.chosen,
                 routing.weights, adapters.expert_gate_up, adapters.expert_down);
  if (has_shared) block = AddBlock(block, Mlp(branches[2], weights.mlp, adapters), 1);
  return {AddBlock(attended, block, scale), routing.chosen, routing.logits};
}

}  // namespace

AttentionShape CachedAttentionShape(const PolicyConfig& config) {
  const double scale = SoftmaxScale(config);
  if (config.architecture().latent()) {
    const int row = config.kv_lora_rank + config.qk_rope_head_dim;
    return {.num_heads = config.num_attention_heads,
            .num_cached_heads = 1,
            .row_dim = row,
            .key_dim = row,
            .value_begin = 0,
            .value_dim = config.kv_lora_rank,
            .scale = scale};
  }
  const int width = config.grouped_head_dim();
  return {.num_heads = config.num_attention_heads,
          .num_cached_heads = config.num_key_value_heads,
          .row_dim = 2 * width,
          .key_dim = width,
          .value_begin = width,
          .value_dim = width,
          .scale = scale};
}

at::Tensor DecoderHidden(const Weights& weights, const at::Tensor& tokens,
                         const at::Tensor& positions, const PackedSequences& sequences,
                         const ExpertChoices* replayed, RouterOutputs* routers,
                         int recomputed_layers) {
  const PolicyConfig& config = weights.config;
  const at::ScalarType type = weights.final_norm.scalar_type();  // the matrices may be narrower
  const auto pass = std::make_shared<const Pass>(
      Pass{weights, MakeRopeTables(config, positions, type), sequences, replayed});
  at::Tensor hidden = Scaled(Embedding(weights.embedding, tokens, type), config.embedding_scale());
  int moe_layer = 0;
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    const auto layer = [pass, i, moe_layer](const at::Tensor& x) {
      return Layer(*pass, i, moe_layer, x);
    };
    const bool recomputed = i < recomputed_layers && hidden.requires_grad();
    const std::vector<at::Tensor> outputs = recomputed ? Recomputed(layer, hidden) : layer(hidden);
    hidden = outputs[0];
    if (!weights.layers[i].is_moe()) continue;
    ++moe_layer;
    if (routers == nullptr) continue;
    routers->chosen.layers.push_back(outputs[1]);
    routers->logits.push_back(outputs[2]);
  }
  return Scaled(RmsNorm(hidden, weights.final_norm, config.rms_norm_eps), config.logit_scale());
}

}  // namespace grpo
