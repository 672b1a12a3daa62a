// What each token adds to the loss, by name. r = pi / pi_old, A the advantage, sg stops gradients:
//
//   clip             -min(r A, clip(r, 1 - low, 1 + high) A)
//   gspo             the same with s = exp(mean over the sequence of log r) in the place of r
//   cispo            -sg(min(r, 1 + high)) A log pi
//   sapo             -f(r) A, f(r) = 4 / tau sigmoid(tau (r - 1)), tau by the sign of A
//   dppo_tv          -m sg(min(r, 20)) A log pi, m = 0 where pi has moved too far from mu
//   policy_gradient  -A log pi
//
// Sources stand in each one's file. A new one is a file like them and a line in policy_loss.cc.
#pragma once

#include <string>

#include <ATen/core/Tensor.h>

#include "rl/objective/loss_tokens.h"
#include "rl/objective/objective_config.h"

namespace grpo {

struct TokenLosses {
  at::Tensor loss;          // [C]
  at::Tensor clipped_low;   // [C] bool: whose gradient the lower bound stopped or shortened
  at::Tensor clipped_high;  // [C] bool
};

using PolicyLoss = TokenLosses (*)(const ObjectiveConfig& config, const LossTokens& tokens);

TokenLosses ClippedLoss(const ObjectiveConfig& config, const LossTokens& tokens);
TokenLosses GspoLoss(const ObjectiveConfig& config, const LossTokens& tokens);
TokenLosses CispoLoss(const ObjectiveConfig& config, const LossTokens& tokens);
TokenLosses SapoLoss(const ObjectiveConfig& config, const LossTokens& tokens);
TokenLosses DppoTvLoss(const ObjectiveConfig& config, const LossTokens& tokens);
TokenLosses PolicyGradientLoss(const ObjectiveConfig& config, const LossTokens& tokens);

// The loss of a name that a recipe may use.
PolicyLoss FindPolicyLoss(const std::string& name);

}  // namespace grpo
