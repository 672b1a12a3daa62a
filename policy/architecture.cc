#include "policy/architecture.h"

namespace grpo {
namespace {

using A = Architecture;

// DeepSeek-V3's shape serves Moonlight, GigaChat 3 and R1 too, llama's SmolLM2 and Llama 3.
const std::vector<Architecture>& Table() {
  constexpr auto kLatent = A::Attention::kLatent, kGrouped = A::Attention::kGrouped;
  constexpr auto kAdjacent = A::RotaryPairs::kAdjacent, kHalves = A::RotaryPairs::kHalves;
  constexpr auto kConfigured = A::AttentionBias::kConfigured;
  constexpr auto kQueryKeyValue = A::AttentionBias::kQueryKeyValue, kNone = A::AttentionBias::kNone;
  static const auto* const table = new std::vector<Architecture>{
      {"deepseek_v3", "DeepseekV3ForCausalLM", kLatent, kAdjacent, kConfigured, false, A::Gate::kV3,
       false},
      {"deepseek_v2", "DeepseekV2ForCausalLM", kLatent, kAdjacent, kConfigured, false, A::Gate::kV2,
       false},
      {"kimi_k2", "DeepseekV3ForCausalLM", kLatent, kAdjacent, kConfigured, false, A::Gate::kV3,
       false},
      {"glm4_moe_lite", "Glm4MoeLiteForCausalLM", kLatent, kAdjacent, kConfigured, false,
       A::Gate::kV3, false},
      {"youtu", "YoutuForCausalLM", kLatent, kAdjacent, kConfigured, false, A::Gate::kNone, false},
      {"minicpm3", "MiniCPM3ForCausalLM", kLatent, kHalves, kConfigured, false, A::Gate::kNone,
       true},
      {"llama", "LlamaForCausalLM", kGrouped, kHalves, kConfigured, false, A::Gate::kNone, false},
      {"mistral", "MistralForCausalLM", kGrouped, kHalves, kNone, false, A::Gate::kNone, false},
      {"qwen2", "Qwen2ForCausalLM", kGrouped, kHalves, kQueryKeyValue, false, A::Gate::kNone,
       false},
      {"qwen3", "Qwen3ForCausalLM", kGrouped, kHalves, kConfigured, true, A::Gate::kNone, false},
      {"qwen3_moe", "Qwen3MoeForCausalLM", kGrouped, kHalves, kConfigured, true, A::Gate::kSoftmax,
       false},
  };
  return *table;
}

}  // namespace

const Architecture* FindArchitecture(absl::string_view model_type) {
  for (const Architecture& architecture : Table()) {
    if (architecture.model_type == model_type) return &architecture;
  }
  return nullptr;
}

const std::vector<std::string>& ModelTypes() {
  static const auto* const names = [] {
    auto* list = new std::vector<std::string>;
    for (const Architecture& architecture : Table()) list->push_back(architecture.model_type);
    return list;
  }();
  return *names;
}

}  // namespace grpo
