// A policy small enough to train in a test, and samples for it.
#pragma once

#include <vector>

#include "data/random.h"
#include "policy/weights.h"
#include "rl/training_sample.h"

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

// Random token ids; log-probs of the behaviour near those of a uniform policy.
inline StepBatch TinyBatch(int count, uint64_t seed, int vocabulary = 24) {
  RandomStream random(seed, 0);
  StepBatch batch;
  for (int i = 0; i < count; ++i) {
    TrainingSample sample;
    sample.prompt_length = random.Between(1, 5);
    const int completion = random.Between(1, 9);
    for (int t = 0; t < sample.prompt_length + completion; ++t)
      sample.tokens.push_back(random.Below(vocabulary));
    sample.advantage = random.Normal();
    std::vector<float> reference;
    for (int t = 0; t < completion; ++t) {
      sample.behavior_logprobs.push_back(-3.2 + 0.3 * random.Normal());
      reference.push_back(-3.2 + 0.3 * random.Normal());
    }
    batch.num_completion_tokens += completion;
    batch.samples.push_back(std::move(sample));
    batch.reference_logprobs.push_back(std::move(reference));
  }
  return batch;
}

}  // namespace grpo
