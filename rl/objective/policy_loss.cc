#include "rl/objective/policy_loss.h"

#include <ATen/ATen.h>

#include "rl/objective/named_table.h"

namespace grpo {
namespace {

constexpr Named<PolicyLoss> kPolicyLosses[] = {
    {"clip", ClippedLoss}, {"gspo", GspoLoss},      {"cispo", CispoLoss},
    {"sapo", SapoLoss},    {"dppo_tv", DppoTvLoss}, {"policy_gradient", PolicyGradientLoss},
};

}  // namespace

PolicyLoss FindPolicyLoss(const std::string& name) { return FindNamed(kPolicyLosses, name); }

// REINFORCE (Williams, 1992): no ratio, and so nothing to clip.
TokenLosses PolicyGradientLoss(const ObjectiveConfig& config, const LossTokens& tokens) {
  const at::Tensor none = at::zeros_like(tokens.advantages, at::kBool);
  return {-tokens.advantages * tokens.logprobs, none, none};
}

}  // namespace grpo
