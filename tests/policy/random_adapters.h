// Adapters of every matrix, none of them zero.
#pragma once

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>

#include "policy/lora.h"

namespace grpo {

inline Adapters RandomAdapters(const PolicyConfig& policy, uint64_t seed) {
  LoraConfig config;
  config.attention_rank = 3;
  config.mlp_rank = 2;
  config.expert_rank = 4;
  config.head_rank = 5;
  config.alpha = 6;
  Adapters adapters = NewAdapters(policy, config, seed);
  auto generator = at::make_generator<at::CPUGeneratorImpl>(seed);
  ForEachAdapter(adapters, [&](const std::string&, LowRank& adapter) {
    adapter.b = at::randn(adapter.b.sizes(), generator) * 0.05;
  });
  return adapters;
}

}  // namespace grpo
