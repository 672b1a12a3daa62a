#include "rollout/token_sampler.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "data/check.h"
#include "policy/kernels/kernels.h"

namespace grpo {
namespace {

constexpr int kBlock = 256;  // probabilities that a draw passes over in one step

// What the kernels' exp gives for minus infinity is a little above 0.
constexpr float kImpossible = 1e-37f;

// In lanes, so that it vectorises; the order of the additions is fixed all the same.
double SumOf(const float* values, int count) {
  constexpr int kLanes = 8;
  double lanes[kLanes] = {};
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane) lanes[lane] += values[i + lane];
  }
  double sum = 0;
  for (; i < count; ++i) sum += values[i];
  for (double lane : lanes) sum += lane;
  return sum;
}

// The first of the largest.
int32_t ArgMax(const float* values, int count) {
  constexpr int kLanes = 16;
  float tops[kLanes];
  std::fill_n(tops, kLanes, -std::numeric_limits<float>::infinity());
  int i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (int lane = 0; lane < kLanes; ++lane)
      tops[lane] = values[i + lane] > tops[lane] ? values[i + lane] : tops[lane];
  }
  float top = *std::max_element(tops, tops + kLanes);
  for (; i < count; ++i) top = std::max(top, values[i]);
  return static_cast<int32_t>(std::find(values, values + count, top) - values);
}

}  // namespace

TokenSampler::TokenSampler(const SamplingConfig& config, int vocabulary_size)
    : config_(config),
      vocabulary_size_(vocabulary_size),
      truncates_(config.temperature > 0 &&
                 (config.top_k > 0 || config.top_p < 1 || config.min_p > 0)),
      penalizes_(config.repetition_penalty != 1),
      inverse_temperature_(config.temperature > 0 ? static_cast<float>(1 / config.temperature)
                                                  : 1.0f),
      adjusted_(reshapes() ? vocabulary_size : 0),
      probabilities_(vocabulary_size),
      block_sums_((vocabulary_size + kBlock - 1) / kBlock) {
  GRPO_CHECK(CheckVocabulary(config, vocabulary_size).ok());
}

SampledToken TokenSampler::Draw(const float* logits, double uniform,
                                const SamplingContext& context) {
  const float policy_log_sum = LogSum(logits);
  const float* adjusted = reshapes() ? Adjusted(logits, context) : logits;
  const float log_sum = reshapes() ? LogSum(adjusted) : policy_log_sum;
  SampledToken drawn;
  drawn.logprob = std::numeric_limits<float>::quiet_NaN();
  if (std::isnan(log_sum)) return drawn;
  if (config_.temperature == 0) {
    drawn.token = ArgMax(adjusted, vocabulary_size_);
  } else {
    ActiveKernels<float>().probabilities(vocabulary_size_, adjusted, inverse_temperature_, log_sum,
                                         probabilities_.data());
    drawn.token =
        truncates_ ? DrawTruncated(adjusted, uniform, &drawn.log_kept_mass) : DrawFromAll(uniform);
  }
  drawn.logprob = logits[drawn.token] * inverse_temperature_ - policy_log_sum;
  return drawn;
}

SampledToken TokenSampler::Force(const float* logits, int32_t token) {
  SampledToken forced;
  forced.token = token;
  forced.logprob = logits[token] * inverse_temperature_ - LogSum(logits);
  return forced;
}

float TokenSampler::LogSum(const float* logits) const {
  float log_sum;
  ActiveKernels<float>().log_sum_exp(1, vocabulary_size_, logits, inverse_temperature_, &log_sum,
                                     nullptr);
  return log_sum;
}

const float* TokenSampler::Adjusted(const float* logits, const SamplingContext& context) {
  std::copy_n(logits, vocabulary_size_, adjusted_.begin());
  if (penalizes_) {
    Penalize(logits, context.prompt);
    Penalize(logits, context.completion);
  }
  for (const LogitBias& entry : config_.logit_bias)
    adjusted_[entry.token] += static_cast<float>(entry.bias);
  return adjusted_.data();
}

// From the logits that came in: a token that occurs again is penalised once.
void TokenSampler::Penalize(const float* logits, absl::Span<const int32_t> tokens) {
  const float penalty = static_cast<float>(config_.repetition_penalty);
  for (int32_t token : tokens) {
    const float logit = logits[token];
    adjusted_[token] = logit > 0 ? logit / penalty : logit * penalty;
  }
}

int32_t TokenSampler::DrawFromAll(double uniform) {
  const float* p = probabilities_.data();
  const int blocks = static_cast<int>(block_sums_.size());
  double total = 0;
  for (int b = 0; b < blocks; ++b) {
    block_sums_[b] = SumOf(p + b * kBlock, std::min(kBlock, vocabulary_size_ - b * kBlock));
    total += block_sums_[b];
  }
  double left = uniform * total;
  int block = 0;
  for (; block + 1 < blocks && left - block_sums_[block] > 0; ++block) left -= block_sums_[block];
  int token = block * kBlock;
  while (token + 1 < vocabulary_size_ && (left -= p[token]) > 0) ++token;
  // Rounding must not choose the impossible.
  while (p[token] < kImpossible && token > 0) --token;
  return token;
}

int32_t TokenSampler::DrawTruncated(const float* logits, double uniform, float* log_kept_mass) {
  order_.Assign(logits, probabilities_.data(), vocabulary_size_, inverse_temperature_);
  LogitOrder::Prefix kept = config_.top_k > 0 && config_.top_k < vocabulary_size_
                                ? order_.First(config_.top_k)
                                : order_.All();
  if (config_.top_p < 1) kept = order_.Reaching(config_.top_p * kept.mass, kept);
  if (config_.min_p > 0) kept = order_.AtLeast(config_.min_p, kept);
  *log_kept_mass = static_cast<float>(std::min(0.0, std::log(kept.mass)));
  return order_.Last(order_.Reaching(uniform * kept.mass, kept));
}

}  // namespace grpo
