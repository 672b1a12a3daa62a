// CISPO (MiniMax-M1, arXiv 2506.13585; ScaleRL, arXiv 2510.13786): the ratio is a weight that is
// cut off, and every token keeps its gradient. There is no lower bound, as in the paper's runs.
#include <ATen/ATen.h>

#include "rl/objective/policy_loss.h"

namespace grpo {

TokenLosses CispoLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  const at::Tensor ratio = (tokens.logprobs.detach() - tokens.old_logprobs).exp();
  TokenLosses losses;
  losses.loss = -ratio.clamp_max(1 + config.clip_high) * tokens.advantages * tokens.logprobs;
  losses.clipped_low = at::zeros_like(ratio, at::kBool);
  losses.clipped_high = ratio.gt(1 + config.clip_high).logical_and(tokens.advantages.gt(0));
  return losses;
}

}  // namespace grpo
