#include "rl/objective.h"

#include <algorithm>

#include <ATen/ATen.h>

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
  difference += other.difference;
  difference_max = std::max(difference_max, other.difference_max);
  different += other.different;
  routed += other.routed;
  routed_alike += other.routed_alike;
}

namespace {

double Sum(const at::Tensor& values) { return values.to(at::kDouble).sum().item<double>(); }

void AddRatioSums(const ObjectiveConfig& config, const at::Tensor& ratio,
                  const at::Tensor& advantages, const at::Tensor& log_ratio, ObjectiveSums* sums) {
  sums->ratio = Sum(ratio);
  sums->ratio_min = ratio.min().item<double>();
  sums->ratio_max = ratio.max().item<double>();
  sums->behavior_kl = -Sum(log_ratio);
  sums->difference = Sum(log_ratio.abs());
  sums->difference_max = log_ratio.abs().max().item<double>();
  sums->different = log_ratio.ne(0).sum().item<int64_t>();
  sums->clipped_low =
      ratio.lt(1 - config.clip_low).logical_and(advantages.lt(0)).sum().item<int64_t>();
  sums->clipped_high =
      ratio.gt(1 + config.clip_high).logical_and(advantages.gt(0)).sum().item<int64_t>();
}

}  // namespace

at::Tensor ClippedObjective(const ObjectiveConfig& config, const MicroBatch& batch,
                            const at::Tensor& logprobs, const at::Tensor& entropy,
                            int64_t denominator, ObjectiveSums* sums) {
  // Both log-probs on the kept set, had sampling cut tokens off: the recorded normaliser cancels in
  // the ratio of the sampling policy, and stands for the learner's until the learner replays the
  // mask itself.
  const at::Tensor log_ratio = logprobs - batch.behavior_logprobs;
  const at::Tensor ratio = log_ratio.exp();
  const at::Tensor clipped = ratio.clamp(1 - config.clip_low, 1 + config.clip_high);
  at::Tensor loss = -at::minimum(ratio * batch.advantages, clipped * batch.advantages);
  sums->tokens = logprobs.numel();
  sums->entropy = Sum(entropy.detach());
  AddRatioSums(config, ratio.detach(), batch.advantages, log_ratio.detach(), sums);
  if (batch.reference_logprobs.defined()) {
    const at::Tensor to_reference = batch.reference_logprobs - logprobs;
    const at::Tensor k3 = to_reference.exp() - to_reference - 1;
    sums->kl = Sum(k3.detach());
    if (config.kl_coef > 0) loss = loss + config.kl_coef * k3;
  }
  loss = loss.sum() / static_cast<double>(denominator);
  sums->loss = loss.item<double>();
  return loss;
}

at::Tensor ImitationObjective(const at::Tensor& logprobs, const at::Tensor& entropy,
                              int64_t denominator, ObjectiveSums* sums) {
  const at::Tensor loss = -logprobs.sum() / static_cast<double>(denominator);
  sums->tokens = logprobs.numel();
  sums->entropy = Sum(entropy.detach());
  sums->loss = loss.item<double>();
  return loss;
}

}  // namespace grpo
