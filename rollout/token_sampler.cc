#include "rollout/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "policy/kernels/kernels.h"

namespace grpo {

TokenSampler::TokenSampler(const SamplingConfig& config, int vocabulary_size)
    : config_(config),
      vocabulary_size_(vocabulary_size),
      truncates_(config.temperature > 0 &&
                 (config.top_k > 0 || config.top_p < 1 || config.min_p > 0)),
      inverse_temperature_(config.temperature > 0 ? static_cast<float>(1 / config.temperature)
                                                  : 1.0f),
      probabilities_(vocabulary_size) {}

SampledToken TokenSampler::Draw(const float* logits, double uniform) {
  const Kernels<float>& kernels = ActiveKernels<float>();
  logits_ = logits;
  kernels.log_sum_exp(1, vocabulary_size_, logits, inverse_temperature_, &log_sum_, nullptr);
  SampledToken drawn;
  if (config_.temperature == 0) {
    drawn.token =
        static_cast<int32_t>(std::max_element(logits, logits + vocabulary_size_) - logits);
  } else {
    kernels.probabilities(vocabulary_size_, logits, inverse_temperature_, log_sum_,
                          probabilities_.data());
    if (truncates_) {
      drawn = DrawTruncated(uniform);
    } else {
      const double total = std::accumulate(probabilities_.begin(), probabilities_.end(), 0.0);
      double left = uniform * total;
      int token = 0;
      while (token + 1 < vocabulary_size_ && (left -= probabilities_[token]) > 0) ++token;
      while (probabilities_[token] == 0 && token > 0)
        --token;  // rounding must not choose the impossible
      drawn.token = token;
    }
  }
  drawn.logprob = logits[drawn.token] * inverse_temperature_ - log_sum_;
  return drawn;
}

SampledToken TokenSampler::DrawTruncated(double uniform) {
  order_.resize(vocabulary_size_);
  std::iota(order_.begin(), order_.end(), 0);
  std::sort(order_.begin(), order_.end(), [&](int32_t a, int32_t b) {
    return logits_[a] != logits_[b] ? logits_[a] > logits_[b] : a < b;
  });
  size_t kept = order_.size();
  if (config_.top_k > 0) kept = std::min<size_t>(kept, config_.top_k);
  double mass = 0;
  for (size_t i = 0; i < kept; ++i) mass += probabilities_[order_[i]];
  if (config_.top_p < 1) {
    const double wanted = config_.top_p * mass;
    double sum = 0;
    size_t count = 0;
    while (count < kept && (count == 0 || sum < wanted)) sum += probabilities_[order_[count++]];
    kept = count;
    mass = sum;
  }
  if (config_.min_p > 0) {
    const double least = config_.min_p * probabilities_[order_[0]];
    while (kept > 1 && probabilities_[order_[kept - 1]] < least)
      mass -= probabilities_[order_[--kept]];
  }
  double left = uniform * mass;
  size_t place = 0;
  while (place + 1 < kept && (left -= probabilities_[order_[place]]) > 0) ++place;
  SampledToken drawn;
  drawn.token = order_[place];
  drawn.log_kept_mass = static_cast<float>(std::log(mass));
  return drawn;
}

}  // namespace grpo
