// The shape of a policy, under the keys of a Hugging Face config.json of DeepSeek-V2 and -V3.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/config_fields.h"

namespace grpo {

// YaRN (arXiv 2309.00071) as DeepSeek applies it; factor 1 is plain RoPE.
struct RopeScaling {
  std::string type = "default";  // default or yarn
  double factor = 1;
  int original_max_position_embeddings = 4096;
  double beta_fast = 32;
  double beta_slow = 1;
  double mscale = 1;
  double mscale_all_dim = 0;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("type", type, OneOf{{"default", "yarn"}}, "kind of scaling");
    visit("factor", factor, Range(1, 1e6), "context extension");
    visit("original_max_position_embeddings", original_max_position_embeddings, AtLeast(1),
          "context before extension");
    visit("beta_fast", beta_fast, Range(0, 1e6), "YaRN's upper ramp bound");
    visit("beta_slow", beta_slow, Range(0, 1e6), "YaRN's lower ramp bound");
    visit("mscale", mscale, Range(0, 100), "attention factor's coefficient");
    visit("mscale_all_dim", mscale_all_dim, Range(0, 100), "softmax scale's coefficient");
  }
};

struct PolicyConfig {
  std::string model_type = "deepseek_v3";  // deepseek_v3 or deepseek_v2
  int vocab_size = 512;
  int hidden_size = 128;
  int intermediate_size = 256;
  int moe_intermediate_size = 96;
  int num_hidden_layers = 3;
  int num_attention_heads = 4;
  int q_lora_rank = 0;  // 0: queries are not compressed (null in config.json)
  int kv_lora_rank = 32;
  int qk_nope_head_dim = 16;
  int qk_rope_head_dim = 16;
  int v_head_dim = 32;
  int n_routed_experts = 8;
  int num_experts_per_tok = 2;
  int n_shared_experts = 1;
  int first_k_dense_replace = 1;
  int n_group = 1;
  int topk_group = 1;
  std::string scoring_func = "sigmoid";  // sigmoid (V3) or softmax (V2)
  std::string topk_method = "noaux_tc";  // noaux_tc (V3), greedy or group_limited_greedy (V2)
  bool norm_topk_prob = true;
  double routed_scaling_factor = 1;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  int max_position_embeddings = 2048;
  bool tie_word_embeddings = false;

  int num_moe_layers() const { return std::max(0, num_hidden_layers - first_k_dense_replace); }

  // The recipe's view, and the only list of the fields; policy_config.cc reads and writes
  // config.json by it.
  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("model_type", model_type, OneOf{{"deepseek_v3", "deepseek_v2"}}, "architecture");
    visit("vocab_size", vocab_size, Range(1, 1 << 24),
          "embedding rows; a trained tokenizer's size");
    visit("hidden_size", hidden_size, Range(1, 1 << 20), "model width D");
    visit("intermediate_size", intermediate_size, Range(1, 1 << 20), "width of dense MLPs");
    visit("moe_intermediate_size", moe_intermediate_size, Range(1, 1 << 20), "width of one expert");
    visit("num_hidden_layers", num_hidden_layers, Range(1, 1000), "decoder layers");
    visit("num_attention_heads", num_attention_heads, Range(1, 4096), "heads H");
    visit("q_lora_rank", q_lora_rank, Range(0, 1 << 20), "query compression; 0 is none");
    visit("kv_lora_rank", kv_lora_rank, Range(1, 1 << 20), "latent rank L of keys and values");
    visit("qk_nope_head_dim", qk_nope_head_dim, Range(1, 1 << 16),
          "query/key width without position, a head");
    visit("qk_rope_head_dim", qk_rope_head_dim, Range(2, 1 << 16),
          "rotary width, even; keys share one head");
    visit("v_head_dim", v_head_dim, Range(1, 1 << 16), "value width, a head");
    visit("n_routed_experts", n_routed_experts, Range(1, 32767), "experts E");
    visit("num_experts_per_tok", num_experts_per_tok, Range(1, 1024),
          "experts K chosen for a token");
    visit("n_shared_experts", n_shared_experts, Range(0, 1024), "experts every token passes");
    visit("first_k_dense_replace", first_k_dense_replace, Range(0, 1000),
          "first layers with a dense MLP");
    visit("n_group", n_group, Range(1, 1024), "expert groups");
    visit("topk_group", topk_group, Range(1, 1024), "groups a token may choose from");
    visit("scoring_func", scoring_func, OneOf{{"sigmoid", "softmax"}}, "router scores");
    visit("topk_method", topk_method, OneOf{{"noaux_tc", "greedy", "group_limited_greedy"}},
          "router selection");
    visit("norm_topk_prob", norm_topk_prob, NoConstraint(),
          "chosen weights sum to one before scaling");
    visit("routed_scaling_factor", routed_scaling_factor, Range(0, 1e6),
          "factor on the routed sum");
    visit("rms_norm_eps", rms_norm_eps, Range(0, 1), "RMSNorm's epsilon");
    visit("rope_theta", rope_theta, Range(1, 1e12), "rotary base");
    visit("rope_scaling", rope_scaling, NoConstraint(), "YaRN");
    visit("max_position_embeddings", max_position_embeddings, Range(1, 1 << 30),
          "longest sequence");
    visit("tie_word_embeddings", tie_word_embeddings, NoConstraint(), "head shares the embedding");
  }
};

// Contradictions between fields (an odd rotary width, more experts per token than experts, groups
// that do not divide, V2's gate with V3's selection); `origin` names the file or recipe section in
// the message.
absl::Status CheckPolicyConfig(const PolicyConfig& config, const std::string& origin);

// config.json's text, both key styles (published and transformers 5). Unknown model types and keys
// that would change the result are refused by name.
absl::StatusOr<PolicyConfig> PolicyConfigFromJson(absl::string_view json,
                                                  const std::string& origin);
std::string PolicyConfigToJson(const PolicyConfig& config, int bos_token_id, int eos_token_id);

}  // namespace grpo
