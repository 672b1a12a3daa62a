#include "rl/objective/off_policy.h"

#include <ATen/ATen.h>

namespace grpo {
namespace {

int64_t Count(const at::Tensor& truth) { return truth.sum().item<int64_t>(); }

}  // namespace

OffPolicyWeights CorrectionWeights(const OffPolicyConfig& config, const LossTokens& tokens,
                                   bool recomputed) {
  const at::Tensor policy = tokens.logprobs.detach();
  const at::Tensor log_rho = (recomputed ? tokens.old_logprobs : policy) - tokens.behavior_logprobs;
  OffPolicyWeights result;
  at::Tensor kept = at::ones_like(policy, at::kBool);
  result.weights = at::ones_like(policy);
  if (config.correction != "none") {
    const at::Tensor rho =
        (config.level == "sequence" ? tokens.SequenceSum(log_rho) : log_rho).exp();
    const at::Tensor above = rho.gt(config.high);
    if (config.correction == "tis") {
      result.weights = rho.clamp_max(config.high);
      result.truncated = Count(above);
    } else {
      result.weights = rho;
    }
    if (config.correction == "mis" || config.correction == "icepop") kept = above.logical_not();
    if (config.correction == "icepop") kept = kept.logical_and(rho.ge(config.low));
  }
  if (config.geometric_low > 0 || config.geometric_high > 0) {
    const at::Tensor mean = tokens.SequenceMean(log_rho).exp();
    if (config.geometric_low > 0) kept = kept.logical_and(mean.ge(config.geometric_low));
    if (config.geometric_high > 0) kept = kept.logical_and(mean.le(config.geometric_high));
  }
  if (config.sequence_mask_delta > 0) {
    const at::Tensor left =
        tokens.SequenceMean(tokens.behavior_logprobs - policy).gt(config.sequence_mask_delta);
    kept = kept.logical_and(left.logical_and(tokens.advantages.lt(0)).logical_not());
  }
  result.masked = policy.numel() - Count(kept);
  // A ratio that is masked may be infinite, which no product with 0 would cure.
  result.weights = at::where(kept, result.weights, at::zeros_like(result.weights));
  return result;
}

}  // namespace grpo
