// Low-rank adapters (LoRA, arXiv 2106.09685): matrices stay as they are, and beside a matrix W
// [out, in] two small ones learn, A [r, in] and B [out, r]:
//
//   y = W x + (alpha / r) B (A x)
//
// A begins at random and B at zero, so that training begins with the policy that was given.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/lora_config.h"
#include "policy/policy_config.h"

namespace grpo {

struct LowRank {
  at::Tensor a;  // [r, in], of experts [E, r, in]
  at::Tensor b;  // [out, r], of experts [E, out, r]
  double scale = 0;

  bool defined() const { return a.defined(); }
};

// Of the matrices of LayerWeights; of fused ones, of each that a checkpoint tells apart. What has
// no adapter is not defined.
struct LayerAdapters {
  LowRank q_a, q, kv_a, kv_b, o;
  LowRank query, key, value;  // of grouped-query attention
  LowRank gate, up, down;
  LowRank expert_gate_up, expert_down;
};

struct Adapters {
  LoraConfig config;
  std::vector<LayerAdapters> layers;  // none: the policy has no adapters
  LowRank head;

  bool enabled() const { return !layers.empty(); }
};

// New ones, a pure function of the arguments. A of each is uniform within 1 / sqrt(in), as PEFT's.
Adapters NewAdapters(const PolicyConfig& policy, const LoraConfig& config, uint64_t seed);

// change(name, adapter) for each that is defined, in a fixed order: "layers.3.q_a", "head".
template <typename AdaptersType, typename Change>
void ForEachAdapter(AdaptersType& adapters, Change change) {
  for (size_t i = 0; i < adapters.layers.size(); ++i) {
    auto& layer = adapters.layers[i];
    const auto visit = [&](const char* name, auto& adapter) {
      if (adapter.defined()) change("layers." + std::to_string(i) + "." + name, adapter);
    };
    visit("q_a", layer.q_a);
    visit("q", layer.q);
    visit("kv_a", layer.kv_a);
    visit("kv_b", layer.kv_b);
    visit("o", layer.o);
    visit("query", layer.query);
    visit("key", layer.key);
    visit("value", layer.value);
    visit("gate", layer.gate);
    visit("up", layer.up);
    visit("down", layer.down);
    visit("expert_gate_up", layer.expert_gate_up);
    visit("expert_down", layer.expert_down);
  }
  if (adapters.head.defined()) change(std::string("head"), adapters.head);
}

}  // namespace grpo
