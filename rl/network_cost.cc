#include "rl/network_cost.h"

#include <algorithm>
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

// Numbers a cached token has for each query head: of its key and of its value.
double KeyAndValue(const PolicyConfig& c) {
  return c.architecture().latent() ? 2.0 * c.kv_lora_rank + c.qk_rope_head_dim
                                   : 2.0 * c.grouped_head_dim();
}

// The routed experts of a layer that `batch` tokens choose at least once, on average.
double ExpertsReached(const PolicyConfig& c, double batch) {
  const double missed = 1 - static_cast<double>(c.num_experts_per_tok) / c.n_routed_experts;
  return c.n_routed_experts * (1 - std::pow(missed, batch));
}

}  // namespace

WorkCost DecodeCost::Total() const {
  WorkCost total;
  for (const WorkCost& work : {products, experts, attention, head}) {
    total.flops += work.flops;
    total.bytes += work.bytes;
  }
  return total;
}

double DecodeCost::SecondsInTurn(double flops_per_second, double bytes_per_second) const {
  double seconds = 0;
  for (const WorkCost& work : {products, experts, attention, head}) {
    seconds += std::max(work.flops / flops_per_second, work.bytes / bytes_per_second);
  }
  return seconds;
}

DecodeCost DecodeStepCost(const PolicyConfig& config, double batch, double context,
                          double bytes_per_weight, double bytes_per_cached) {
  DecodeCost cost;
  const auto add = [&](double passed, double read, WorkCost& work) {
    work.flops += 2 * batch * passed;
    work.bytes += read * bytes_per_weight;
  };
  for (int layer = 0; layer < config.num_hidden_layers; ++layer) {
    double weights = AttentionWeights(config);
    if (config.is_moe_layer(layer)) {
      weights += static_cast<double>(config.n_routed_experts) * config.hidden_size;
      const double expert = MlpWeights(config, config.moe_intermediate_size);
      add(expert * (config.num_experts_per_tok + config.n_shared_experts),
          expert * (ExpertsReached(config, batch) + config.n_shared_experts), cost.experts);
    } else {
      weights += MlpWeights(config, config.intermediate_size);
    }
    add(weights, weights, cost.products);
  }
  const double head = static_cast<double>(config.vocab_size) * config.hidden_size;
  add(head, head, cost.head);
  const double cached = batch * context * config.num_hidden_layers;
  cost.attention = {.flops = 2 * cached * config.num_attention_heads * KeyAndValue(config),
                    .bytes = cached * config.cached_row_width() * bytes_per_cached};
  return cost;
}

double UpdateFlops(const PolicyConfig& config, const UpdateSize& size) {
  const double completions = size.prompts * size.group,
               prompts = size.share_prompts ? size.prompts : completions,
               before = size.prompt_tokens, own = size.new_tokens - 1;
  const double fed = prompts * before + completions * own;
  const double seen =
      prompts * before * (before + 1) / 2 + completions * own * (before + (own + 1) / 2);
  const DecodeCost token = DecodeStepCost(config, /*batch=*/1, /*context=*/0,
                                          /*bytes_per_weight=*/0, /*bytes_per_cached=*/0);
  const double expanded =
      config.architecture().latent()
          ? config.qk_nope_head_dim + config.qk_rope_head_dim + config.v_head_dim
          : 2.0 * config.grouped_head_dim();
  const double attention =
      2 * config.num_hidden_layers * config.num_attention_heads * expanded * seen;
  const double forward = fed * (token.products.flops + token.experts.flops) +
                         completions * size.new_tokens * token.head.flops + attention;
  return 3 * forward;
}

}  // namespace grpo
