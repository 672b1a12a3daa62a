// Rotary position embedding (arXiv 2104.09864) and the ways of stretching it over a longer context:
// linear (arXiv 2306.15595), YaRN (arXiv 2309.00071) as DeepSeek applies it, Llama 3's (arXiv
// 2407.21783), LongRoPE (arXiv 2402.13753).
#pragma once

#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/policy_config.h"

namespace grpo {

// The angle per position of each of the R/2 pairs.
std::vector<double> RopeFrequencies(const PolicyConfig& config);

// Factor on cos and sin: YaRN's, unless its mscale and mscale_all_dim are equal, and LongRoPE's;
// otherwise 1.
double RopeAmplitude(const PolicyConfig& config);

// (query width)^-1/2, times YaRN's (0.1 mscale_all_dim ln(factor) + 1)^2.
double SoftmaxScale(const PolicyConfig& config);

struct RopeTables {
  at::Tensor cos;  // [N, R/2]
  at::Tensor sin;  // [N, R/2]
};

// For the given positions [N] int64. A pure function of each position alone.
RopeTables MakeRopeTables(const PolicyConfig& config, const at::Tensor& positions,
                          at::ScalarType dtype);

}  // namespace grpo
