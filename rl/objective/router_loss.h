// Losses of the routers of a Mixture of Experts, over the positions that predict a token that is
// learned from, so that neither packing nor shared prompts change them. For E experts of which each
// token uses K, summed over the MoE layers:
//
//   sequence balance  mean over completions of sum_e f_e P_e, f_e = E / (K T) * the completion's
//                     positions that use expert e, P_e their mean share s_e / sum_j s_j of the
//                     gate's scores (DeepSeek-V3, arXiv 2412.19437, equations 17 to 20)
//   global balance    the same sum with f and P over all positions of the step, f from the experts
//                     that the rollouts recorded, which no micro-batch has to wait for
//                     (arXiv 2501.11873)
//   z                 mean over positions of log(sum_e exp(logit_e))^2 (ST-MoE, arXiv 2202.08906,
//                     equation 5)
//
// Balance losses are 1 where the load is even, and E / K where K experts take all of it.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/decoder.h"
#include "policy/policy_config.h"
#include "rl/objective/router_config.h"
#include "rl/training_sample.h"

namespace grpo {

// How many positions used each expert, for each MoE layer: [M][E].
using ExpertLoad = std::vector<std::vector<int64_t>>;

void AddLoad(const ExpertLoad& other, ExpertLoad* load);

// Adds recorded choices [positions, M, K].
void AddRecordedLoad(const int16_t* experts, int64_t positions, const PolicyConfig& policy,
                     ExpertLoad* load);

// Of a whole step: the denominators.
struct RouterTotals {
  int64_t completions = 0;
  int64_t positions = 0;
  ExpertLoad recorded;  // empty where the samples have no record
};
RouterTotals RouterTotalsOf(const StepBatch& batch, const PolicyConfig& policy);

// The used experts of the positions that predict a token that is learned from.
ExpertLoad LoadOf(const MicroBatch& batch, const ExpertChoices& chosen, const PolicyConfig& policy);

// The losses without their weights; those of micro-batches add up to the step's.
struct RouterSums {
  double sequence_balance = 0;
  double global_balance = 0;
  double z = 0;

  void Add(const RouterSums& other);
};

// A micro-batch's share of the step's losses, weighted.
struct RouterLosses {
  at::Tensor loss;  // a scalar
  RouterSums sums;
};
RouterLosses RouterLoss(const RouterConfig& config, const PolicyConfig& policy,
                        const RouterTotals& totals, const MicroBatch& batch,
                        const RouterOutputs& routers);

}  // namespace grpo
