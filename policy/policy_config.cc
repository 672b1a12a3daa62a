#include "policy/policy_config.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "absl/strings/str_cat.h"

#include "policy/problem_list.h"

namespace grpo {
namespace {

void CheckGate(const PolicyConfig& config, ProblemList& problems) {
  using Gate = Architecture::Gate;
  const Gate kind = config.architecture().gate;
  const std::string gate = absl::StrCat(config.scoring_func, " with ", config.topk_method);
  if (kind == Gate::kV3 && gate != "sigmoid with noaux_tc") {
    problems.Add(config.model_type,
                 "'s gate is scoring_func sigmoid with topk_method noaux_tc, found ", gate);
  }
  if (kind == Gate::kV2 && (config.scoring_func != "softmax" || config.topk_method == "noaux_tc")) {
    problems.Add(config.model_type,
                 "'s gate is scoring_func softmax with topk_method greedy or "
                 "group_limited_greedy, found ",
                 gate);
  }
  if (kind == Gate::kSoftmax && gate != "softmax with greedy") {
    problems.Add(config.model_type,
                 "'s gate is scoring_func softmax with topk_method greedy, found ", gate);
  }
  if (kind == Gate::kV2 && config.norm_topk_prob) {
    problems.Add("norm_topk_prob must be false for ", config.model_type,
                 ": its readers disagree about what true means");
  }
  if (config.topk_method == "greedy" && config.n_group > 1) {
    problems.Add("topk_method greedy has no groups: n_group must be 1, found ", config.n_group);
  }
}

void CheckExperts(const PolicyConfig& config, ProblemList& problems) {
  if (config.n_routed_experts % config.n_group != 0) {
    problems.Add("n_routed_experts (", config.n_routed_experts, ") must be a multiple of n_group (",
                 config.n_group, ")");
    return;
  }
  if (config.topk_group > config.n_group) {
    problems.Add("topk_group (", config.topk_group, ") must be at most n_group (", config.n_group,
                 ")");
    return;
  }
  const int group_size = config.n_routed_experts / config.n_group;
  if (config.topk_method == "noaux_tc" && config.n_group > 1 && group_size < 2) {
    problems.Add("noaux_tc scores a group by its two best experts: n_group (", config.n_group,
                 ") leaves ", group_size, " of ", config.n_routed_experts, " to a group");
  }
  if (config.num_experts_per_tok > config.topk_group * group_size) {
    problems.Add("num_experts_per_tok (", config.num_experts_per_tok, ") must be at most the ",
                 config.topk_group * group_size, " experts of topk_group (", config.topk_group,
                 ") groups of ", group_size);
  }
}

void CheckHeads(const PolicyConfig& config, ProblemList& problems) {
  if (config.architecture().latent()) return;
  if (config.num_attention_heads % config.num_key_value_heads != 0) {
    problems.Add("num_attention_heads (", config.num_attention_heads,
                 ") must be a multiple of num_key_value_heads (", config.num_key_value_heads, ")");
  }
  if (config.head_dim == 0 && config.hidden_size % config.num_attention_heads != 0) {
    problems.Add("hidden_size (", config.hidden_size,
                 ") must be a multiple of num_attention_heads (", config.num_attention_heads,
                 ") where head_dim is not given");
  }
}

void CheckLongRope(const PolicyConfig& config, ProblemList& problems) {
  const RopeScaling& rope = config.rope_scaling;
  const size_t pairs = config.rotary_dim() / 2;
  if (rope.short_factor.size() != pairs || rope.long_factor.size() != pairs) {
    problems.Add("rope_scaling.short_factor and long_factor must have ", pairs,
                 " numbers each, one a rotary pair, found ", rope.short_factor.size(), " and ",
                 rope.long_factor.size());
    return;
  }
  if (rope.short_factor != rope.long_factor &&
      config.max_position_embeddings > rope.original_max_position_embeddings) {
    problems.Add(
        "rope_scaling longrope with different short_factor and long_factor turns a token's "
        "position "
        "otherwise once its sequence has grown: set max_position_embeddings (",
        config.max_position_embeddings, ") to original_max_position_embeddings (",
        rope.original_max_position_embeddings, ")");
  }
}

void CheckRope(const PolicyConfig& config, ProblemList& problems) {
  if (config.rotary_dim() % 2 != 0) {
    problems.Add(config.architecture().latent() ? "qk_rope_head_dim" : "head_dim",
                 " must be even, found ", config.rotary_dim());
  }
  const RopeScaling& rope = config.rope_scaling;
  if (rope.type == "default" && rope.factor != 1) {
    problems.Add("rope_scaling.factor must be 1 with type default, found ", rope.factor);
  }
  if (rope.type == "longrope") CheckLongRope(config, problems);
  if (rope.type == "llama3" && rope.high_freq_factor <= rope.low_freq_factor) {
    problems.Add("rope_scaling.high_freq_factor (", rope.high_freq_factor,
                 ") must be above low_freq_factor (", rope.low_freq_factor, ")");
  }
  if (rope.type != "yarn") return;
  if (rope.beta_fast <= rope.beta_slow) {
    problems.Add("rope_scaling.beta_fast (", rope.beta_fast, ") must be above beta_slow (",
                 rope.beta_slow, ")");
  }
  if (rope.mscale == 0 || (rope.mscale_all_dim == 0 && rope.mscale != 1)) {
    problems.Add("rope_scaling.mscale (", rope.mscale, ") with mscale_all_dim (",
                 rope.mscale_all_dim,
                 ") is read differently by different programs: give both above 0, or mscale 1 with "
                 "mscale_all_dim 0");
  }
}

const char* const kLatentFields[] = {"q_lora_rank", "kv_lora_rank", "qk_nope_head_dim",
                                     "qk_rope_head_dim", "v_head_dim"};
const char* const kGroupedFields[] = {"num_key_value_heads", "head_dim"};
const char* const kExpertFields[] = {
    "moe_intermediate_size", "n_routed_experts", "num_experts_per_tok",  "n_shared_experts",
    "first_k_dense_replace", "n_group",          "topk_group",           "scoring_func",
    "topk_method",           "norm_topk_prob",   "routed_scaling_factor"};
const char* const kScaledFields[] = {"scale_emb", "scale_depth", "dim_model_base"};

template <size_t kCount>
bool IsOneOf(absl::string_view field, const char* const (&fields)[kCount]) {
  return std::find(std::begin(fields), std::end(fields), field) != std::end(fields);
}

}  // namespace

bool PolicyFieldApplies(const Architecture& architecture, absl::string_view field) {
  if (IsOneOf(field, kLatentFields)) return architecture.latent();
  if (IsOneOf(field, kGroupedFields)) return !architecture.latent();
  if (IsOneOf(field, kExpertFields)) return architecture.experts();
  if (IsOneOf(field, kScaledFields)) return architecture.scaled_residuals;
  if (field == "attention_bias") {
    return architecture.attention_bias == Architecture::AttentionBias::kConfigured;
  }
  return true;
}

bool PolicyConfig::input_projection_bias() const {
  switch (architecture().attention_bias) {
    case Architecture::AttentionBias::kConfigured:
      return attention_bias;
    case Architecture::AttentionBias::kQueryKeyValue:
      return true;
    case Architecture::AttentionBias::kNone:
      return false;
  }
  return false;
}

bool PolicyConfig::output_projection_bias() const {
  return attention_bias &&
         architecture().attention_bias == Architecture::AttentionBias::kConfigured;
}

double PolicyConfig::residual_scale() const {
  return architecture().scaled_residuals ? scale_depth / std::sqrt(num_hidden_layers) : 1;
}

double PolicyConfig::logit_scale() const {
  return architecture().scaled_residuals ? static_cast<double>(dim_model_base) / hidden_size : 1;
}

absl::Status CheckPolicyConfig(const PolicyConfig& config, const std::string& origin) {
  ProblemList problems;
  CheckHeads(config, problems);
  CheckRope(config, problems);
  if (config.architecture().experts()) {
    CheckGate(config, problems);
    CheckExperts(config, problems);
    if (config.first_k_dense_replace > config.num_hidden_layers) {
      problems.Add("first_k_dense_replace (", config.first_k_dense_replace,
                   ") must be at most num_hidden_layers (", config.num_hidden_layers, ")");
    }
  }
  return problems.ToStatus(origin);
}

}  // namespace grpo
