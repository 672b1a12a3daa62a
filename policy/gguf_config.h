// A model's configuration: the metadata of a GGUF file on one side, a Hugging Face config.json on
// the other.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "policy/gguf.h"

namespace grpo {

// What the tensors need to know about the model, to be laid out as the other side has them.
struct ModelShape {
  std::string architecture;  // GGUF's: llama, qwen2, qwen3, qwen3moe, deepseek2, minicpm3
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_key_value_heads = 0;
  int64_t num_experts = 0;
  // Latent attention.
  int64_t kv_lora_rank = 0;
  int64_t qk_nope_head_dim = 0;
  int64_t v_head_dim = 0;

  // Rows of queries and keys are permuted in the file.
  bool permutes_rows() const { return architecture == "llama"; }
};

// The shape that a config.json describes; the models are those that GgufFromConfig writes.
absl::StatusOr<ModelShape> ShapeFromConfig(const nlohmann::json& config);

// The config.json of a file. A key of the architecture that is not understood is refused by name:
// it may change what the network computes.
absl::StatusOr<nlohmann::ordered_json> ConfigFromGguf(const GgufReader& file);

// The metadata that llama.cpp expects for a config.json (architecture's keys only), and the tensors
// that stand for a part of it (`rope_freqs.weight`). What GGUF cannot say is refused.
struct GgufConfig {
  ModelShape shape;
  GgufMetadata metadata;
  std::vector<StreamedTensor> tensors;
};
absl::StatusOr<GgufConfig> GgufFromConfig(const nlohmann::json& config);

// The factors by which Llama 3.1 slows its rotations down, one for each pair of a head.
std::vector<float> Llama3RopeFactors(int64_t head_dim, double theta, double factor,
                                     double low_freq_factor, double high_freq_factor,
                                     double original_context);

}  // namespace grpo
