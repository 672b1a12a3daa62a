// The shape of a policy, under the keys of a Hugging Face config.json.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/config_fields.h"
#include "policy/architecture.h"

namespace grpo {

// How rotary positions are stretched over a longer context (policy/rope.h).
struct RopeScaling {
  // "dynamic" changes nothing within max_position_embeddings, which is all there is here.
  std::string type = "default";
  double factor = 1;
  int original_max_position_embeddings = 4096;
  // YaRN.
  double beta_fast = 32;
  double beta_slow = 1;
  double mscale = 1;
  double mscale_all_dim = 0;
  double attention_factor = 0;  // YaRN's and LongRoPE's factor on cos and sin; 0: from the others
  // Llama 3.
  double low_freq_factor = 1;
  double high_freq_factor = 4;
  // LongRoPE: a factor for each pair.
  std::vector<double> short_factor;
  std::vector<double> long_factor;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("type", type, OneOf{{"default", "linear", "dynamic", "yarn", "llama3", "longrope"}},
          "kind of scaling");
    visit("factor", factor, Range(1, 1e6), "context extension");
    visit("original_max_position_embeddings", original_max_position_embeddings, AtLeast(1),
          "context before extension");
    visit("beta_fast", beta_fast, Range(0, 1e6), "YaRN's upper ramp bound");
    visit("beta_slow", beta_slow, Range(0, 1e6), "YaRN's lower ramp bound");
    visit("mscale", mscale, Range(0, 100), "attention factor's coefficient");
    visit("mscale_all_dim", mscale_all_dim, Range(0, 100), "softmax scale's coefficient");
    visit("attention_factor", attention_factor, Range(0, 100),
          "factor on cos and sin; 0: YaRN's or LongRoPE's own");
    visit("low_freq_factor", low_freq_factor, Range(0, 1e6), "Llama 3's lower ramp bound");
    visit("high_freq_factor", high_freq_factor, Range(0, 1e6), "Llama 3's upper ramp bound");
    visit("short_factor", short_factor, Range(1e-6, 1e6), "LongRoPE's factors within the context");
    visit("long_factor", long_factor, Range(1e-6, 1e6), "LongRoPE's factors beyond the context");
  }
};

struct PolicyConfig {
  std::string model_type = "deepseek_v3";  // an architecture (policy/architecture.h)
  int vocab_size = 512;
  int hidden_size = 128;
  int intermediate_size = 256;
  int moe_intermediate_size = 96;
  int num_hidden_layers = 3;
  int num_attention_heads = 4;
  // Grouped-query attention.
  int num_key_value_heads = 2;
  int head_dim = 0;  // 0: hidden_size / num_attention_heads
  // Latent attention.
  int q_lora_rank = 0;  // 0: queries are not compressed (null in config.json)
  int kv_lora_rank = 32;
  int qk_nope_head_dim = 16;
  int qk_rope_head_dim = 16;
  int v_head_dim = 32;
  // Experts.
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
  // All.
  bool attention_bias = false;
  double rms_norm_eps = 1e-6;
  double rope_theta = 10000;
  RopeScaling rope_scaling;
  int max_position_embeddings = 2048;
  bool tie_word_embeddings = false;
  // MiniCPM's factors: on the embedding, on each block by scale_depth / sqrt(layers), and on the
  // hidden states before the head by dim_model_base / hidden_size.
  double scale_emb = 1;
  double scale_depth = 1;
  int dim_model_base = 256;

  // The model_type must be known: checked where a config enters the program.
  const Architecture& architecture() const { return *FindArchitecture(model_type); }
  bool is_moe_layer(int layer) const {
    return architecture().experts() && layer >= first_k_dense_replace;
  }
  int num_moe_layers() const {
    return architecture().experts() ? std::max(0, num_hidden_layers - first_k_dense_replace) : 0;
  }
  // Whether the gate has a bias that only selection sees.
  bool selection_bias() const { return architecture().gate == Architecture::Gate::kV3; }
  int grouped_head_dim() const {
    return head_dim > 0 ? head_dim : hidden_size / num_attention_heads;
  }
  int rotary_dim() const { return architecture().latent() ? qk_rope_head_dim : grouped_head_dim(); }
  // Numbers that attention keeps of a token in one layer.
  int cached_row_width() const {
    return architecture().latent() ? kv_lora_rank + qk_rope_head_dim
                                   : 2 * num_key_value_heads * grouped_head_dim();
  }
  bool input_projection_bias() const;
  bool output_projection_bias() const;
  double embedding_scale() const { return architecture().scaled_residuals ? scale_emb : 1; }
  double residual_scale() const;
  double logit_scale() const;

  // The recipe's view, and the only list of the fields; policy_config.cc reads and writes
  // config.json by it.
  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("model_type", model_type, OneOf{ModelTypes()}, "architecture");
    visit("vocab_size", vocab_size, Range(1, 1 << 24),
          "embedding rows; a trained tokenizer's size");
    visit("hidden_size", hidden_size, Range(1, 1 << 20), "model width D");
    visit("intermediate_size", intermediate_size, Range(1, 1 << 20), "width of dense MLPs");
    visit("moe_intermediate_size", moe_intermediate_size, Range(1, 1 << 20), "width of one expert");
    visit("num_hidden_layers", num_hidden_layers, Range(1, 1000), "decoder layers");
    visit("num_attention_heads", num_attention_heads, Range(1, 4096), "heads H");
    visit("num_key_value_heads", num_key_value_heads, Range(1, 4096),
          "cached heads of grouped-query attention");
    visit("head_dim", head_dim, Range(0, 1 << 16),
          "head width of grouped-query attention; 0: hidden_size / num_attention_heads");
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
    visit("attention_bias", attention_bias, NoConstraint(), "attention's projections have biases");
    visit("rms_norm_eps", rms_norm_eps, Range(0, 1), "RMSNorm's epsilon");
    visit("rope_theta", rope_theta, Range(1, 1e12), "rotary base");
    visit("rope_scaling", rope_scaling, NoConstraint(), "context extension");
    visit("max_position_embeddings", max_position_embeddings, Range(1, 1 << 30),
          "longest sequence");
    visit("tie_word_embeddings", tie_word_embeddings, NoConstraint(), "head shares the embedding");
    visit("scale_emb", scale_emb, Range(0, 1e6), "MiniCPM's factor on embeddings");
    visit("scale_depth", scale_depth, Range(0, 1e6),
          "MiniCPM's factor on blocks, over sqrt(layers)");
    visit("dim_model_base", dim_model_base, Range(1, 1 << 20),
          "MiniCPM's width before the head, over hidden_size");
  }
};

// Contradictions between fields (an odd rotary width, more experts per token than experts, groups
// that do not divide, V2's gate with V3's selection) in those that the architecture has; `origin`
// names the file or recipe section in the message.
absl::Status CheckPolicyConfig(const PolicyConfig& config, const std::string& origin);

// Whether a field means something for an architecture: q_lora_rank does not for llama.
bool PolicyFieldApplies(const Architecture& architecture, absl::string_view field);

// config.json's text, both key styles (published and transformers 5). Unknown model types and keys
// that would change the result are refused by name.
absl::StatusOr<PolicyConfig> PolicyConfigFromJson(absl::string_view json,
                                                  const std::string& origin);
std::string PolicyConfigToJson(const PolicyConfig& config, int bos_token_id, int eos_token_id);

}  // namespace grpo
