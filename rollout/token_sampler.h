// Draws one token from a row of logits.
#pragma once

#include <cstdint>
#include <vector>

#include "rollout/sampling.h"

namespace grpo {

struct SampledToken {
  int32_t token = 0;
  float logprob = 0;  // under softmax(logits / temperature) over the whole vocabulary
  float log_kept_mass =
      0;  // log of the probability that top-k, top-p and min-p kept; 0 when all was
};

// For one thread: keeps buffers between calls.
class TokenSampler {
 public:
  TokenSampler(const SamplingConfig& config, int vocabulary_size);

  // logits [V]; uniform in (0, 1) decides the draw. Cuts off in the order top-k, top-p, min-p, each
  // on what the one before it kept.
  SampledToken Draw(const float* logits, double uniform);

  bool truncates() const { return truncates_; }

 private:
  SampledToken DrawTruncated(double uniform);

  SamplingConfig config_;
  int vocabulary_size_;
  bool truncates_;
  float inverse_temperature_;
  const float* logits_ = nullptr;
  float log_sum_ = 0;
  std::vector<float> probabilities_;  // [V]
  std::vector<int32_t> order_;
};

}  // namespace grpo
