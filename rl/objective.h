// What the learner minimises, over all tokens t of a step's completions:
//
//   loss = sum_t a_t [ w_t l_t + kl_coef k_t - entropy_coef H_t ]
//
// a: objective/aggregation.h, w: objective/off_policy.h, l: objective/policy_loss.h, k:
// objective/kl.h (0 where the divergence is in the reward), H the entropy of the token's
// distribution. All denominators are those of the whole step.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rl/objective/objective_config.h"
#include "rl/objective/router_loss.h"
#include "rl/training_sample.h"

namespace grpo {

// What a forward over a micro-batch gives the loss: of its C tokens that are learned from.
struct PolicyOutputs {
  at::Tensor logprobs;    // [C]
  at::Tensor entropy;     // [C]
  RouterOutputs routers;  // of all packed tokens
};

// Sums over tokens; add them up over micro-batches, then divide by `tokens`.
struct ObjectiveSums {
  int64_t tokens = 0;
  double loss = 0;  // the step's, already aggregated
  double entropy = 0;
  double kl = 0;           // the recipe's estimate of the divergence to the reference
  double behavior_kl = 0;  // k1 to the sampling policy: behavior - logp
  // pi / mu, before any correction.
  double ratio = 0;
  double ratio_min = 1e300;
  double ratio_max = -1e300;
  int64_t clipped_low = 0;  // tokens whose gradient the lower bound stopped
  int64_t clipped_high = 0;
  double correction = 0;  // weights of the off-policy correction
  int64_t correction_truncated = 0;
  int64_t correction_masked = 0;
  double difference = 0;  // |logp - behavior|
  double difference_max = 0;
  int64_t routed = 0;        // rows of the routing record: one a fed token and MoE layer
  int64_t routed_alike = 0;  // of them, those where the learner chooses the recorded experts
  int64_t different = 0;     // tokens where they are not the same number
  RouterSums router;
  ExpertLoad load;  // of the positions that predict these tokens

  void Add(const ObjectiveSums& other);
};

struct PolicyObjectiveConfig {
  ObjectiveConfig objective;
  OffPolicyConfig off_policy;
  double entropy_coef = 0;  // in force: that of the recipe, or where its target has led it
};

// The loss of a micro-batch (a scalar, its share of the step's) and its sums.
at::Tensor PolicyObjective(const PolicyObjectiveConfig& config, const MicroBatch& batch,
                           const PolicyOutputs& policy, ObjectiveSums* sums);

// Imitation: the weighted negative log-prob of the demonstrations' tokens.
at::Tensor ImitationObjective(const MicroBatch& batch, const PolicyOutputs& policy,
                              ObjectiveSums* sums);

}  // namespace grpo
