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
  return config.qk_rope_head_dim *
         std::log(config.rope_scaling.original_max_position_embeddings / (rotations * 2 * M_PI)) /
         (2 * std::log(config.rope_theta));
}

}  // namespace

std::vector<double> RopeFrequencies(const PolicyConfig& config) {
  const int dim = config.qk_rope_head_dim, pairs = dim / 2;
  std::vector<double> frequencies(pairs);
  for (int i = 0; i < pairs; ++i) frequencies[i] = std::pow(config.rope_theta, -2.0 * i / dim);
  if (!UsesYarn(config)) return frequencies;
  // Pairs that turn often keep their frequency, slow ones are interpolated, with a linear ramp in
  // between.
  const RopeScaling& scaling = config.rope_scaling;
  const double low = std::max(0.0, std::floor(PairOfRotations(config, scaling.beta_fast)));
  double high = std::min(dim - 1.0, std::ceil(PairOfRotations(config, scaling.beta_slow)));
  if (low == high) high += 0.001;
  for (int i = 0; i < pairs; ++i) {
    const double interpolated = std::clamp((i - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= interpolated / scaling.factor + (1 - interpolated);
  }
  return frequencies;
}

double RopeAmplitude(const PolicyConfig& config) {
  if (!UsesYarn(config)) return 1;
  const RopeScaling& scaling = config.rope_scaling;
  if (scaling.mscale == 0 || scaling.mscale_all_dim == 0) return AttentionFactor(scaling.factor, 1);
  return AttentionFactor(scaling.factor, scaling.mscale) /
         AttentionFactor(scaling.factor, scaling.mscale_all_dim);
}

double SoftmaxScale(const PolicyConfig& config) {
  const double scale =
      1 / std::sqrt(static_cast<double>(config.qk_nope_head_dim + config.qk_rope_head_dim));
  if (!UsesYarn(config) || config.rope_scaling.mscale_all_dim == 0) return scale;
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
