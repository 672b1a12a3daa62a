// The shape of a policy small enough to train in a test.
#pragma once

#include "policy/policy_config.h"

namespace grpo {

inline PolicyConfig TinyConfig() {
  PolicyConfig config;
  config.vocab_size = 24;
  config.hidden_size = 16;
  config.intermediate_size = 24;
  config.moe_intermediate_size = 8;
  config.num_hidden_layers = 2;
  config.num_attention_heads = 2;
  config.q_lora_rank = 8;
  config.kv_lora_rank = 8;
  config.qk_nope_head_dim = 4;
  config.qk_rope_head_dim = 4;
  config.v_head_dim = 4;
  config.n_routed_experts = 4;
  return config;
}

}  // namespace grpo
