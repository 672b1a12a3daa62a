// What the learner minimises.
//
// GRPO (DeepSeekMath, arXiv 2402.03300) with DAPO's separate clip bounds and token-level global
// mean (arXiv 2503.14476), over all completion tokens t of the step:
//
//   ratio_t = exp(logp_t - behavior_t)
//   loss    = 1/C sum_t [ -min(ratio_t A_t, clip(ratio_t, 1 - clip_low, 1 + clip_high) A_t) +
//   kl_coef k3_t ] k3_t    = exp(ref_t - logp_t) - (ref_t - logp_t) - 1        (Schulman's
//   low-variance estimator)
//
// Departures from the paper: the mean is over tokens, not sequences first; the denominator C is
// global.
#pragma once

#include <cstdint>

#include <ATen/core/Tensor.h>

#include "rl/recipe.h"
#include "rl/training_sample.h"

namespace grpo {

// Sums over tokens; add them up over micro-batches, then divide by `tokens`.
struct ObjectiveSums {
  int64_t tokens = 0;
  double loss = 0;  // already divided by the step's denominator
  double entropy = 0;
  double kl = 0;           // k3 to the reference
  double behavior_kl = 0;  // k1 to the sampling policy: behavior - logp
  double ratio = 0;
  double ratio_min = 1e300;
  double ratio_max = -1e300;
  int64_t clipped_low = 0;  // tokens whose gradient the lower bound stopped
  int64_t clipped_high = 0;
  double difference = 0;  // |logp - behavior|
  double difference_max = 0;
  int64_t routed = 0;        // rows of the routing record: one a fed token and MoE layer
  int64_t routed_alike = 0;  // of them, those where the learner chooses the recorded experts
  int64_t different = 0;     // tokens where they are not the same number

  void Add(const ObjectiveSums& other);
};

// The loss of a micro-batch (a scalar, its share of the step's) and its sums. logprobs and entropy
// [C].
at::Tensor ClippedObjective(const ObjectiveConfig& config, const MicroBatch& batch,
                            const at::Tensor& logprobs, const at::Tensor& entropy,
                            int64_t denominator, ObjectiveSums* sums);

// Imitation: the mean negative log-prob of the demonstrations' tokens.
at::Tensor ImitationObjective(const at::Tensor& logprobs, const at::Tensor& entropy,
                              int64_t denominator, ObjectiveSums* sums);

}  // namespace grpo
