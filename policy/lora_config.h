// Which matrices get low-rank adapters (policy/lora.h), and how large they are.
#pragma once

#include "data/config_fields.h"

namespace grpo {

// The keys of policy.lora.
struct LoraConfig {
  int attention_rank = 0;
  int mlp_rank = 0;
  int expert_rank = 0;
  int head_rank = 0;
  double alpha = 16;

  bool enabled() const {
    return attention_rank > 0 || mlp_rank > 0 || expert_rank > 0 || head_rank > 0;
  }

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("attention_rank", attention_rank, Range(0, 4096),
          "of the adapters of attention's matrices; 0: none");
    visit("mlp_rank", mlp_rank, Range(0, 4096), "of dense MLPs and shared experts; 0: none");
    visit("expert_rank", expert_rank, Range(0, 4096), "of each routed expert; 0: none");
    visit("head_rank", head_rank, Range(0, 4096), "of the head; 0: none");
    visit("alpha", alpha, Range(1e-6, 1e6), "an adapter counts alpha / rank times");
  }
};

}  // namespace grpo
