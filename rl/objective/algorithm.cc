#include "rl/objective/algorithm.h"

namespace grpo {
namespace {

struct Algorithm {
  const char* name;
  const char* advantage;
  const char* policy_loss;
  double clip_low;
  double clip_high;
  const char* aggregation;
  const char* kl_estimator = "k3";
  const char* kl_in = "loss";
};

constexpr Algorithm kAlgorithms[] = {
    {"grpo", "group", "clip", 0.2, 0.2, "sequence_mean"},
    {"dr_grpo", "group_no_std", "clip", 0.2, 0.2, "constant"},
    {"dapo", "group", "clip", 0.2, 0.28, "token_mean"},
    {"gspo", "group", "gspo", 3e-4, 4e-4, "sequence_mean"},
    {"cispo", "group", "cispo", 0.2, 4, "token_mean"},
    {"sapo", "group", "sapo", 0.2, 0.2, "sequence_mean"},
    {"dppo", "group_no_std", "dppo_tv", 0.2, 0.2, "token_mean"},
    {"rloo", "leave_one_out", "clip", 0.2, 0.2, "sequence_sum", "k1", "reward"},
    {"reinforce_pp", "reinforce_pp", "clip", 0.2, 0.2, "token_mean", "k1", "reward"},
    {"reinforce_pp_baseline", "reinforce_pp_baseline", "clip", 0.2, 0.2, "token_mean", "k2"},
    {"max_rl", "max_rl", "clip", 0.2, 0.28, "token_mean"},
    {"policy_gradient", "group_no_std", "policy_gradient", 0.2, 0.2, "token_mean"},
};

}  // namespace

std::vector<std::string> AlgorithmNames() {
  std::vector<std::string> names;
  for (const Algorithm& algorithm : kAlgorithms) names.push_back(algorithm.name);
  return names;
}

void ApplyAlgorithm(const std::string& name, ObjectiveConfig* config) {
  for (const Algorithm& algorithm : kAlgorithms) {
    if (name != algorithm.name) continue;
    config->advantage = algorithm.advantage;
    config->policy_loss = algorithm.policy_loss;
    config->clip_low = algorithm.clip_low;
    config->clip_high = algorithm.clip_high;
    config->aggregation = algorithm.aggregation;
    config->kl_estimator = algorithm.kl_estimator;
    config->kl_in = algorithm.kl_in;
  }
}

}  // namespace grpo
