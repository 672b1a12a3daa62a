// SAPO (arXiv 2511.20347): a smooth gate in the place of the clip, whose slope is 1 at a ratio of 1
// and falls to both sides; steeper at negative advantages.
#include <ATen/ATen.h>

#include "rl/objective/policy_loss.h"

namespace grpo {
namespace {

// Beyond e^20 the gate is flat, and the ratio itself would overflow.
constexpr double kLargestLogRatio = 20;

}  // namespace

TokenLosses SapoLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  const at::Tensor ratio =
      (tokens.logprobs - tokens.old_logprobs).clamp_max(kLargestLogRatio).exp();
  const at::Tensor tau = at::where(
      tokens.advantages.gt(0), at::full_like(tokens.advantages, config.sapo_temperature_positive),
      at::full_like(tokens.advantages, config.sapo_temperature_negative));
  const at::Tensor gate = 4 / tau * at::sigmoid(tau * (ratio - 1));
  const at::Tensor none = at::zeros_like(tokens.advantages, at::kBool);
  return {-gate * tokens.advantages, none, none};
}

}  // namespace grpo
