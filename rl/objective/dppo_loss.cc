// DPPO with total variation (arXiv 2602.04879): a token counts as long as its probability has not
// moved further than a bound from the sampler's, in the direction that its advantage pulls it.
#include <ATen/ATen.h>

#include "rl/objective/policy_loss.h"

namespace grpo {
namespace {

constexpr double kLargestRatio = 20;

}  // namespace

TokenLosses DppoTvLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  const at::Tensor fixed = tokens.logprobs.detach();
  const at::Tensor moved = fixed.exp() - tokens.behavior_logprobs.exp();
  const at::Tensor ratio = (fixed - tokens.old_logprobs).exp().clamp_max(kLargestRatio);
  TokenLosses losses;
  losses.clipped_high = moved.gt(config.clip_high).logical_and(tokens.advantages.gt(0));
  losses.clipped_low = moved.lt(-config.clip_low).logical_and(tokens.advantages.lt(0));
  const at::Tensor counts = losses.clipped_high.logical_or(losses.clipped_low).logical_not();
  losses.loss = -counts.to(ratio.scalar_type()) * ratio * tokens.advantages * tokens.logprobs;
  return losses;
}

}  // namespace grpo
