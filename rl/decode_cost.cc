#include "rl/decode_cost.h"

#include <cmath>

namespace grpo {
namespace {

double AttentionWeights(const PolicyConfig& c) {
  const double width = c.hidden_size, heads = c.num_attention_heads;
  if (!c.architecture().latent()) {
    return width * c.grouped_head_dim() * (2 * heads + 2 * c.num_key_value_heads);
  }
  const double query = heads * (c.qk_nope_head_dim + c.qk_rope_head_dim);
  const double queries = c.q_lora_rank > 0 ? c.q_lora_rank * (width + query) : width * query;
  const double latents = width * (c.kv_lora_rank + c.qk_rope_head_dim);
  const double absorbed = heads * (c.qk_nope_head_dim + c.v_head_dim) * c.kv_lora_rank;
  return queries + latents + absorbed + heads * c.v_head_dim * width;
}

double MlpWeights(const PolicyConfig& c, double inner) { return 3.0 * c.hidden_size * inner; }

// Of all layers and the head, with this many of each layer's routed experts.
double WeightsPassed(const PolicyConfig& c, double experts) {
  double weights = static_cast<double>(c.vocab_size) * c.hidden_size;
  for (int layer = 0; layer < c.num_hidden_layers; ++layer) {
    weights += AttentionWeights(c);
    if (c.is_moe_layer(layer)) {
      weights += static_cast<double>(c.n_routed_experts) * c.hidden_size +
                 MlpWeights(c, c.moe_intermediate_size * (experts + c.n_shared_experts));
    } else {
      weights += MlpWeights(c, c.intermediate_size);
    }
  }
  return weights;
}

}  // namespace

double DecodeFlops(const PolicyConfig& config, double context) {
  const bool latent = config.architecture().latent();
  const double key = latent ? config.kv_lora_rank + config.qk_rope_head_dim
                            : config.grouped_head_dim(),
               value = latent ? config.kv_lora_rank : config.grouped_head_dim();
  const double attention =
      config.num_hidden_layers * config.num_attention_heads * (key + value) * context;
  return 2 * (WeightsPassed(config, config.num_experts_per_tok) + attention);
}

double DecodeBytes(const PolicyConfig& config, double batch, double context,
                   double bytes_per_weight, double bytes_per_cached) {
  const double missed =
      config.num_moe_layers() == 0
          ? 1
          : 1 - static_cast<double>(config.num_experts_per_tok) / config.n_routed_experts;
  const double reached = config.n_routed_experts * (1 - std::pow(missed, batch));
  return WeightsPassed(config, reached) * bytes_per_weight +
         batch * context * config.num_hidden_layers * config.cached_row_width() * bytes_per_cached;
}

}  // namespace grpo
