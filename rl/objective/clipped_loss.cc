// PPO's clipped surrogate (arXiv 1707.06347) with DAPO's separate bounds (arXiv 2503.14476), and
// its form for sequences, GSPO (arXiv 2507.18071). Dual clip (arXiv 1912.09729): where A < 0 the
// loss is at most -c A, so that a ratio that has exploded stops pulling.
#include <ATen/ATen.h>

#include "rl/objective/policy_loss.h"

namespace grpo {
namespace {

TokenLosses Clip(const ObjectiveConfig& config, const at::Tensor& ratio,
                 const at::Tensor& advantages) {
  const double low = 1 - config.clip_low, high = 1 + config.clip_high;
  TokenLosses losses;
  losses.loss = -at::minimum(ratio * advantages, ratio.clamp(low, high) * advantages);
  const at::Tensor fixed = ratio.detach();
  losses.clipped_low = fixed.lt(low).logical_and(advantages.lt(0));
  losses.clipped_high = fixed.gt(high).logical_and(advantages.gt(0));
  if (config.dual_clip > 0) {
    const at::Tensor bad = advantages.lt(0);
    losses.loss =
        at::where(bad, at::minimum(losses.loss, -config.dual_clip * advantages), losses.loss);
    losses.clipped_high =
        losses.clipped_high.logical_or(fixed.gt(config.dual_clip).logical_and(bad));
  }
  return losses;
}

}  // namespace

TokenLosses ClippedLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  return Clip(config, (tokens.logprobs - tokens.old_logprobs).exp(), tokens.advantages);
}

TokenLosses GspoLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  const at::Tensor ratio = tokens.SequenceMean(tokens.logprobs - tokens.old_logprobs).exp();
  return Clip(config, ratio, tokens.advantages);
}

}  // namespace grpo
