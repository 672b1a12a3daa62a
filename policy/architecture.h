// What sets the families of decoders apart, by the model_type of a Hugging Face config.json. One
// decoder is put together from these parts (policy/decoder.cc); a new family is a row in
// architecture.cc.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

struct Architecture {
  enum class Attention { kLatent, kGrouped };  // MLA; grouped-query attention
  // Which dimensions of a rotary head turn together: 2p and 2p + 1, or p and p + R/2.
  enum class RotaryPairs { kAdjacent, kHalves };
  // Where biases are added in attention: as attention_bias says to the projections of the hidden
  // state (MLA: the compressed ones) and to the output, or always to query, key and value alone.
  enum class AttentionBias { kConfigured, kQueryKeyValue, kNone };
  // The gate before the experts: none at all, DeepSeek-V3's, DeepSeek-V2's, or a softmax whose best
  // K are normalised as norm_topk_prob says.
  enum class Gate { kNone, kV3, kV2, kSoftmax };

  const char* model_type;
  const char* causal_lm;  // the class that transformers loads it with
  Attention attention;
  RotaryPairs rotary_pairs;
  AttentionBias attention_bias;
  bool query_key_norm;  // each head's query and key are normalised before they are turned
  Gate gate;
  bool scaled_residuals;  // MiniCPM's scale_emb, scale_depth and dim_model_base

  bool latent() const { return attention == Attention::kLatent; }
  bool experts() const { return gate != Gate::kNone; }
};

// nullptr for an unknown model type.
const Architecture* FindArchitecture(absl::string_view model_type);

// All of them, for messages and for the recipe.
const std::vector<std::string>& ModelTypes();

}  // namespace grpo
