#include "policy/rope.h"

#include <algorithm>
#include <cmath>

#include <ATen/ATen.h>

namespace grpo {
namespace {

bool UsesYarn(const PolicyConfig& config) {
  return config.rope_scaling.type == "yarn" && config.rope_scaling.factor > 1;
}

double AttentionFactor(double factor, double mscale) { return 0.1 * mscale * std::log(factor) + 1; }

// The pair (as a real number) that turns `rotations` times over the original context.
double PairOfRotations(const PolicyConfig& config, double rotations) {
  return config.rotary_dim() *
         std::log(config.rope_scaling.original_max_position_embeddings / (rotations * 2 * M_PI)) /
         (2 * std::log(config.rope_theta));
}

// Pairs that turn often keep their frequency, slow ones are interpolated, with a linear ramp in
// between.
void StretchByYarn(const PolicyConfig& config, std::vector<double>& frequencies) {
  const RopeScaling& scaling = config.rope_scaling;
  const double low = std::max(0.0, std::floor(PairOfRotations(config, scaling.beta_fast)));
  double high =
      std::min(config.rotary_dim() - 1.0, std::ceil(PairOfRotations(config, scaling.beta_slow)));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double interpolated = std::clamp((i - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= interpolated / scaling.factor + (1 - interpolated);
  }
}

// Llama 3: the same idea, the ramp between low_freq_factor and high_freq_factor turns over the
// original context.
void StretchSlowPairs(const RopeScaling& scaling, std::vector<double>& frequencies) {
  for (double& frequency : frequencies) {
    const double turns = scaling.original_max_position_embeddings * frequency / (2 * M_PI);
    const double kept = std::clamp(
        (turns - scaling.low_freq_factor) / (scaling.high_freq_factor - scaling.low_freq_factor),
        0.0, 1.0);
    frequency *= (1 - kept) / scaling.factor + kept;
  }
}

}  // namespace

std::vector<double> RopeFrequencies(const PolicyConfig& config) {
  const int dim = config.rotary_dim(), pairs = dim / 2;
  std::vector<double> frequencies(pairs);
  for (int i = 0; i < pairs; ++i) frequencies[i] = std::pow(config.rope_theta, -2.0 * i / dim);
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.type == "linear") {
    for (double& frequency : frequencies) frequency /= scaling.factor;
  } else if (scaling.type == "longrope") {
    for (int i = 0; i < pairs; ++i) frequencies[i] /= scaling.short_factor[i];
  } else if (scaling.type == "llama3") {
    StretchSlowPairs(scaling, frequencies);
  } else if (UsesYarn(config)) {
    StretchByYarn(config, frequencies);
  }
  return frequencies;
}

double RopeAmplitude(const PolicyConfig& config) {
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.type != "yarn" && scaling.type != "longrope") return 1;
  if (scaling.attention_factor > 0) return scaling.attention_factor;
  if (scaling.type == "longrope") {
    if (scaling.factor <= 1) return 1;
    return std::sqrt(1 +
                     std::log(scaling.factor) / std::log(scaling.original_max_position_embeddings));
  }
  if (!UsesYarn(config)) return 1;
  if (scaling.mscale == 0 || scaling.mscale_all_dim == 0) return AttentionFactor(scaling.factor, 1);
  return AttentionFactor(scaling.factor, scaling.mscale) /
         AttentionFactor(scaling.factor, scaling.mscale_all_dim);
}

double SoftmaxScale(const PolicyConfig& config) {
  const bool latent = config.architecture().latent();
  const int width =
      latent ? config.qk_nope_head_dim + config.qk_rope_head_dim : config.grouped_head_dim();
  const double scale = 1 / std::sqrt(static_cast<double>(width));
  if (!latent || !UsesYarn(config) || config.rope_scaling.mscale_all_dim == 0) return scale;
  const double factor =
      AttentionFactor(config.rope_scaling.factor, config.rope_scaling.mscale_all_dim);
  return scale * factor * factor;
}

RopeTables MakeRopeTables(const PolicyConfig& config, const at::Tensor& positions,
                          at::ScalarType dtype) {
  const std::vector<double> frequencies = RopeFrequencies(config);
  const double amplitude = RopeAmplitude(config);
  const int64_t rows = positions.numel(), pairs = frequencies.size();
  at::Tensor cos = at::empty({rows, pairs}, at::kDouble),
             sin = at::empty({rows, pairs}, at::kDouble);
  double* cos_data = cos.data_ptr<double>();
  double* sin_data = sin.data_ptr<double>();
  const int64_t* position = positions.const_data_ptr<int64_t>();
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t p = 0; p < pairs; ++p) {
      const double angle = static_cast<double>(position[r]) * frequencies[p];
      cos_data[r * pairs + p] = amplitude * std::cos(angle);
      sin_data[r * pairs + p] = amplitude * std::sin(angle);
    }
  }
  return {cos.to(dtype), sin.to(dtype)};
}

}  // namespace grpo
