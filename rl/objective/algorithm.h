// The published algorithms as settings of grpo.objective: grpo.algorithm names one, and every key
// that a recipe gives itself goes before it.
//
//   name                   advantage              policy_loss      clip        aggregation    KL
//   grpo                   group                  clip             0.2, 0.2    sequence_mean  k3
//   dr_grpo                group_no_std           clip             0.2, 0.2    constant       k3
//   dapo                   group                  clip             0.2, 0.28   token_mean     k3
//   gspo                   group                  gspo             3e-4, 4e-4  sequence_mean  k3
//   cispo                  group                  cispo            -, 4        token_mean     k3
//   sapo                   group                  sapo             -           sequence_mean  k3
//   dppo                   group_no_std           dppo_tv          0.2, 0.2    token_mean     k3
//   rloo                   leave_one_out          clip             0.2, 0.2    sequence_sum   k1 *
//   reinforce_pp           reinforce_pp           clip             0.2, 0.2    token_mean     k1 *
//   reinforce_pp_baseline  reinforce_pp_baseline  clip             0.2, 0.2    token_mean     k2
//   max_rl                 max_rl                 clip             0.2, 0.28   token_mean     k3
//   policy_gradient        group_no_std           policy_gradient  -           token_mean     k3
//
//   * in the reward
//
// kl_coef stays 0 unless a recipe sets it.
#pragma once

#include <string>
#include <vector>

#include "rl/objective/objective_config.h"

namespace grpo {

std::vector<std::string> AlgorithmNames();

// Sets the keys of the table above; nothing for a name that is not in it.
void ApplyAlgorithm(const std::string& name, ObjectiveConfig* config);

}  // namespace grpo
