#include "rl/objective.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "rl/objective/kl.h"
#include "rl/objective/off_policy.h"
#include "rl/objective/policy_loss.h"

namespace grpo {

void ObjectiveSums::Add(const ObjectiveSums& other) {
  tokens += other.tokens;
  loss += other.loss;
  entropy += other.entropy;
  kl += other.kl;
  behavior_kl += other.behavior_kl;
  ratio += other.ratio;
  ratio_min = std::min(ratio_min, other.ratio_min);
  ratio_max = std::max(ratio_max, other.ratio_max);
  clipped_low += other.clipped_low;
  clipped_high += other.clipped_high;
  correction += other.correction;
  correction_truncated += other.correction_truncated;
  correction_masked += other.correction_masked;
  difference += other.difference;
  difference_max = std::max(difference_max, other.difference_max);
  different += other.different;
  routed += other.routed;
  routed_alike += other.routed_alike;
  router.Add(other.router);
  AddLoad(other.load, &load);
}

namespace {

double Sum(const at::Tensor& values) { return values.to(at::kDouble).sum().item<double>(); }

// How the learner's policy and the sampler's differ, before any correction.
void AddMismatch(const at::Tensor& logprobs, const at::Tensor& behavior, ObjectiveSums* sums) {
  const at::Tensor log_ratio = logprobs - behavior;
  const at::Tensor ratio = log_ratio.exp();
  sums->ratio = Sum(ratio);
  sums->ratio_min = ratio.min().item<double>();
  sums->ratio_max = ratio.max().item<double>();
  sums->behavior_kl = -Sum(log_ratio);
  sums->difference = Sum(log_ratio.abs());
  sums->difference_max = log_ratio.abs().max().item<double>();
  sums->different = log_ratio.ne(0).sum().item<int64_t>();
}

// Both log-probs on the kept set, had sampling cut tokens off: the recorded normaliser cancels in
// the ratio to the sampling policy, and stands for the learner's until the learner replays the mask
// itself.
LossTokens TokensOf(const OffPolicyConfig& config, const MicroBatch& batch,
                    const at::Tensor& logprobs) {
  LossTokens tokens;
  tokens.logprobs = logprobs;
  tokens.behavior_logprobs = batch.behavior_logprobs;
  tokens.old_logprobs = batch.behavior_logprobs;
  if (config.recompute_old) {
    // Nothing was recomputed where the step has one update: the policy that learns is the old one.
    tokens.old_logprobs = batch.old_logprobs.defined() ? batch.old_logprobs : logprobs.detach();
  }
  tokens.advantages = batch.advantages;
  tokens.sequences = batch.sequences;
  tokens.lengths = batch.sequence_lengths;
  return tokens;
}

}  // namespace

at::Tensor PolicyObjective(const PolicyObjectiveConfig& config, const MicroBatch& batch,
                           const PolicyOutputs& outputs, ObjectiveSums* sums) {
  const ObjectiveConfig& objective = config.objective;
  const at::Tensor &logprobs = outputs.logprobs, &entropy = outputs.entropy;
  const LossTokens tokens = TokensOf(config.off_policy, batch, logprobs);
  sums->tokens = logprobs.numel();
  sums->entropy = Sum(entropy.detach());
  AddMismatch(logprobs.detach(), tokens.behavior_logprobs, sums);

  const TokenLosses policy = FindPolicyLoss(objective.policy_loss)(objective, tokens);
  sums->clipped_low = policy.clipped_low.sum().item<int64_t>();
  sums->clipped_high = policy.clipped_high.sum().item<int64_t>();

  const OffPolicyWeights correction =
      CorrectionWeights(config.off_policy, tokens, config.off_policy.recompute_old);
  sums->correction = Sum(correction.weights);
  sums->correction_truncated = correction.truncated;
  sums->correction_masked = correction.masked;
  at::Tensor loss = policy.loss * correction.weights;
  if (batch.selected.defined()) loss = loss * batch.selected;

  if (batch.reference_logprobs.defined()) {
    const at::Tensor kl =
        KlEstimate(objective.kl_estimator, logprobs, tokens.old_logprobs, batch.reference_logprobs);
    sums->kl = Sum(kl.detach());
    if (objective.kl_coef > 0 && objective.kl_in == "loss") loss = loss + objective.kl_coef * kl;
  }
  if (config.entropy_coef > 0) loss = loss - config.entropy_coef * entropy;
  loss = (loss * batch.loss_weights).sum();
  sums->loss = loss.item<double>();
  return loss;
}

at::Tensor ImitationObjective(const MicroBatch& batch, const PolicyOutputs& policy,
                              ObjectiveSums* sums) {
  const at::Tensor loss = -(policy.logprobs * batch.loss_weights).sum();
  sums->tokens = policy.logprobs.numel();
  sums->entropy = Sum(policy.entropy.detach());
  sums->loss = loss.item<double>();
  return loss;
}

}  // namespace grpo
