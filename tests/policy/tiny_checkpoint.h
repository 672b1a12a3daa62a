// Small Hugging Face folders for tests of formats: a config.json and weights that are all
// different.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"

#include "data/file.h"
#include "policy/quantized_blocks.h"
#include "policy/safetensors.h"

namespace grpo {

// A tensor of bf16 numbers that no other tensor of the checkpoint has.
struct TinyTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

inline TinyTensor MakeTinyTensor(const std::string& name, std::vector<int64_t> shape) {
  TinyTensor tensor = {name, std::move(shape), {}};
  int64_t count = 1;
  for (const int64_t extent : tensor.shape) count *= extent;
  // A small generator seeded by the name: the same on every machine.
  uint32_t state = 2166136261u;
  for (const char c : name) state = (state ^ static_cast<unsigned char>(c)) * 16777619u;
  for (int64_t i = 0; i < count; ++i) {
    state = state * 1664525u + 1013904223u;
    tensor.values.push_back(static_cast<float>(static_cast<int>(state >> 24) - 128) / 64);
  }
  return tensor;
}

struct TinyCheckpoint {
  nlohmann::ordered_json config;
  std::vector<TinyTensor> tensors;

  void Add(const std::string& name, std::vector<int64_t> shape) {
    tensors.push_back(MakeTinyTensor(name, std::move(shape)));
  }
};

// Layers with grouped queries: 4 query heads and 2 of keys, 8 wide, in a model of width 32.
inline void AddGroupedLayer(int layer, bool biases, bool norms, TinyCheckpoint& out) {
  const std::string prefix = absl::StrCat("model.layers.", layer, ".");
  out.Add(prefix + "input_layernorm.weight", {32});
  out.Add(prefix + "post_attention_layernorm.weight", {32});
  out.Add(prefix + "self_attn.q_proj.weight", {32, 32});
  out.Add(prefix + "self_attn.k_proj.weight", {16, 32});
  out.Add(prefix + "self_attn.v_proj.weight", {16, 32});
  out.Add(prefix + "self_attn.o_proj.weight", {32, 32});
  if (biases) {
    out.Add(prefix + "self_attn.q_proj.bias", {32});
    out.Add(prefix + "self_attn.k_proj.bias", {16});
    out.Add(prefix + "self_attn.v_proj.bias", {16});
  }
  if (norms) {
    out.Add(prefix + "self_attn.q_norm.weight", {8});
    out.Add(prefix + "self_attn.k_norm.weight", {8});
  }
}

inline void AddMlp(const std::string& prefix, int64_t width, TinyCheckpoint& out) {
  out.Add(prefix + "gate_proj.weight", {width, 32});
  out.Add(prefix + "up_proj.weight", {width, 32});
  out.Add(prefix + "down_proj.weight", {32, width});
}

inline void AddEnds(bool tied, TinyCheckpoint& out) {
  out.Add("model.embed_tokens.weight", {24, 32});
  out.Add("model.norm.weight", {32});
  if (!tied) out.Add("lm_head.weight", {24, 32});
}

// model_type llama, qwen2, qwen3 or qwen3_moe.
inline TinyCheckpoint GroupedCheckpoint(const std::string& model_type) {
  const bool moe = model_type == "qwen3_moe", qwen3 = model_type == "qwen3" || moe;
  const bool tied = model_type == "qwen2";
  TinyCheckpoint out;
  out.config = {{"model_type", model_type},
                {"vocab_size", 24},
                {"hidden_size", 32},
                {"intermediate_size", 64},
                {"num_hidden_layers", 2},
                {"num_attention_heads", 4},
                {"num_key_value_heads", 2},
                {"head_dim", 8},
                {"max_position_embeddings", 512},
                {"rms_norm_eps", 1e-5},
                {"rope_theta", 50000.0},
                {"rope_scaling", nullptr},
                {"hidden_act", "silu"},
                {"tie_word_embeddings", tied}};
  if (moe) {
    out.config["num_experts"] = 3;
    out.config["num_experts_per_tok"] = 2;
    out.config["moe_intermediate_size"] = 16;
    out.config["norm_topk_prob"] = true;
  }
  AddEnds(tied, out);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".mlp.");
    AddGroupedLayer(layer, model_type == "qwen2", qwen3, out);
    if (!moe) AddMlp(prefix, 64, out);
    if (moe) out.Add(prefix + "gate.weight", {3, 32});
    for (int e = 0; moe && e < 3; ++e) AddMlp(absl::StrCat(prefix, "experts.", e, "."), 16, out);
  }
  return out;
}

// DeepSeek's latent attention, V3's gate or V2's: 2 layers of which the second has 4 experts.
inline TinyCheckpoint LatentCheckpoint(const std::string& model_type) {
  const bool v3 = model_type == "deepseek_v3";
  TinyCheckpoint out;
  out.config = {{"model_type", model_type},
                {"vocab_size", 24},
                {"hidden_size", 32},
                {"intermediate_size", 64},
                {"moe_intermediate_size", 16},
                {"num_hidden_layers", 2},
                {"num_attention_heads", 2},
                {"num_key_value_heads", 2},
                {"q_lora_rank", v3 ? nlohmann::ordered_json(24) : nlohmann::ordered_json()},
                {"kv_lora_rank", 16},
                {"qk_nope_head_dim", 8},
                {"qk_rope_head_dim", 4},
                {"v_head_dim", 6},
                {"n_routed_experts", 4},
                {"num_experts_per_tok", 2},
                {"n_shared_experts", 1},
                {"first_k_dense_replace", 1},
                {"n_group", v3 ? 2 : 1},
                {"topk_group", 1},
                {"topk_method", v3 ? "noaux_tc" : "greedy"},
                {"scoring_func", v3 ? "sigmoid" : "softmax"},
                {"norm_topk_prob", v3},
                {"routed_scaling_factor", 2.5},
                {"max_position_embeddings", 512},
                {"rms_norm_eps", 1e-6},
                {"rope_theta", 10000.0},
                {"tie_word_embeddings", false}};
  out.config["rope_scaling"] = {{"type", "yarn"},
                                {"factor", 4.0},
                                {"beta_fast", 32.0},
                                {"beta_slow", 1.0},
                                {"mscale", 0.707},
                                {"mscale_all_dim", 0.707},
                                {"original_max_position_embeddings", 128}};
  AddEnds(/*tied=*/false, out);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".");
    out.Add(prefix + "input_layernorm.weight", {32});
    out.Add(prefix + "post_attention_layernorm.weight", {32});
    if (v3) {
      out.Add(prefix + "self_attn.q_a_proj.weight", {24, 32});
      out.Add(prefix + "self_attn.q_a_layernorm.weight", {24});
    }
    out.Add(prefix + (v3 ? "self_attn.q_b_proj.weight" : "self_attn.q_proj.weight"),
            {24, v3 ? 24 : 32});
    out.Add(prefix + "self_attn.kv_a_proj_with_mqa.weight", {20, 32});
    out.Add(prefix + "self_attn.kv_a_layernorm.weight", {16});
    out.Add(prefix + "self_attn.kv_b_proj.weight", {28, 16});
    out.Add(prefix + "self_attn.o_proj.weight", {32, 12});
    if (layer == 0) {
      AddMlp(prefix + "mlp.", 64, out);
      continue;
    }
    out.Add(prefix + "mlp.gate.weight", {4, 32});
    if (v3) out.Add(prefix + "mlp.gate.e_score_correction_bias", {4});
    AddMlp(prefix + "mlp.shared_experts.", 16, out);
    for (int e = 0; e < 4; ++e) AddMlp(absl::StrCat(prefix, "mlp.experts.", e, "."), 16, out);
  }
  return out;
}

// MiniCPM3: latent attention and dense layers, with the rope's factors written out.
inline TinyCheckpoint Minicpm3Checkpoint() {
  TinyCheckpoint out;
  out.config = {{"model_type", "minicpm3"},
                {"vocab_size", 24},
                {"hidden_size", 32},
                {"intermediate_size", 64},
                {"num_hidden_layers", 2},
                {"num_attention_heads", 2},
                {"num_key_value_heads", 2},
                {"q_lora_rank", 24},
                {"kv_lora_rank", 16},
                {"qk_nope_head_dim", 8},
                {"qk_rope_head_dim", 4},
                {"v_head_dim", 16},
                {"scale_emb", 12},
                {"scale_depth", 1.4},
                {"dim_model_base", 256},
                {"max_position_embeddings", 512},
                {"rms_norm_eps", 1e-5},
                {"rope_theta", 10000.0},
                {"tie_word_embeddings", true}};
  out.config["rope_scaling"] = {{"type", "longrope"},
                                {"long_factor", {1.05, 2.5}},
                                {"short_factor", {1.0, 1.25}},
                                {"original_max_position_embeddings", 256}};
  AddEnds(/*tied=*/true, out);
  for (int layer = 0; layer < 2; ++layer) {
    const std::string prefix = absl::StrCat("model.layers.", layer, ".");
    out.Add(prefix + "input_layernorm.weight", {32});
    out.Add(prefix + "post_attention_layernorm.weight", {32});
    out.Add(prefix + "self_attn.q_a_proj.weight", {24, 32});
    out.Add(prefix + "self_attn.q_a_layernorm.weight", {24});
    out.Add(prefix + "self_attn.q_b_proj.weight", {24, 24});
    out.Add(prefix + "self_attn.kv_a_proj_with_mqa.weight", {20, 32});
    out.Add(prefix + "self_attn.kv_a_layernorm.weight", {16});
    out.Add(prefix + "self_attn.kv_b_proj.weight", {48, 16});
    out.Add(prefix + "self_attn.o_proj.weight", {32, 32});
    AddMlp(prefix + "mlp.", 64, out);
  }
  return out;
}

inline std::string Encoded(const std::vector<float>& values, const char* dtype) {
  const BlockFormat& format = *FindBlockFormat(absl::string_view(dtype));
  std::string bytes(values.size() / format.elements * format.bytes, '\0');
  EXPECT_TRUE(Quantize(format, values, absl::MakeSpan(bytes)).ok());
  return bytes;
}

// Writes config.json and the weights as BF16 (vectors as F32).
inline void WriteTinyCheckpoint(const TinyCheckpoint& checkpoint, const std::string& folder) {
  ASSERT_TRUE(MakeDirectories(folder).ok());
  ASSERT_TRUE(WriteFileAtomically(folder + "/config.json", checkpoint.config.dump(1)).ok());
  std::vector<StreamedTensor> tensors;
  for (const TinyTensor& tensor : checkpoint.tensors) {
    const char* const dtype = tensor.shape.size() > 1 ? "BF16" : "F32";
    tensors.push_back(
        {tensor.name, dtype, tensor.shape, "",
         [bytes = Encoded(tensor.values, dtype)](ByteSink sink) { return sink(bytes); }});
  }
  ASSERT_TRUE(StreamSafetensors(folder + "/model.safetensors", std::move(tensors)).ok());
}

}  // namespace grpo
