#include "policy/policy_config.h"

#include "absl/strings/str_cat.h"

#include "policy/problem_list.h"

namespace grpo {
namespace {

void CheckGate(const PolicyConfig& config, ProblemList& problems) {
  const bool v3 = config.model_type == "deepseek_v3";
  const std::string gate = absl::StrCat(config.scoring_func, " with ", config.topk_method);
  if (v3 && gate != "sigmoid with noaux_tc") {
    problems.Add("deepseek_v3's gate is scoring_func sigmoid with topk_method noaux_tc, found ",
                 gate);
  }
  if (!v3 && (config.scoring_func != "softmax" || config.topk_method == "noaux_tc")) {
    problems.Add(
        "deepseek_v2's gate is scoring_func softmax with topk_method greedy or "
        "group_limited_greedy, found ",
        gate);
  }
  if (!v3 && config.norm_topk_prob) {
    problems.Add(
        "norm_topk_prob must be false for deepseek_v2: its readers disagree about what true means");
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

void CheckRope(const PolicyConfig& config, ProblemList& problems) {
  if (config.qk_rope_head_dim % 2 != 0) {
    problems.Add("qk_rope_head_dim must be even, found ", config.qk_rope_head_dim);
  }
  const RopeScaling& rope = config.rope_scaling;
  if (rope.type == "default" && rope.factor != 1) {
    problems.Add("rope_scaling.factor must be 1 with type default, found ", rope.factor);
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

}  // namespace

absl::Status CheckPolicyConfig(const PolicyConfig& config, const std::string& origin) {
  ProblemList problems;
  CheckGate(config, problems);
  CheckExperts(config, problems);
  CheckRope(config, problems);
  if (config.first_k_dense_replace > config.num_hidden_layers) {
    problems.Add("first_k_dense_replace (", config.first_k_dense_replace,
                 ") must be at most num_hidden_layers (", config.num_hidden_layers, ")");
  }
  return problems.ToStatus(origin);
}

}  // namespace grpo
