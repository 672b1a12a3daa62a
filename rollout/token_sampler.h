// Draws one token from a row of logits.
//
//   q(i) = softmax(adjusted / temperature), adjusted = penalty, then bias, applied to the logits
//
// A token is drawn from q restricted to what top-k, then top-p, then min-p keep. Without penalty
// and bias q is the policy's own distribution p = softmax(logits / temperature).
//
// The penalty is CTRL's (arXiv 1909.05858), as in transformers and vLLM: the logit of a token that
// the prompt or the completion holds, however often, is divided by it where positive and multiplied
// where negative.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

#include "rollout/logit_order.h"
#include "rollout/sampling.h"

namespace grpo {

struct SampledToken {
  int32_t token = 0;
  // Under the policy's own softmax(logits / temperature) over the whole vocabulary, whatever
  // penalty, bias and cut-offs did: the learner recomputes its very bits. Temperature 0 counts as 1
  // here.
  float logprob = 0;
  // Log of the mass of q that top-k, top-p and min-p kept; 0 when all was. log q(token) less it is
  // the log-prob with which the token was drawn; of sampler.reshapes(), q is not the policy's.
  float log_kept_mass = 0;
};

// The tokens before the one to be drawn. Only the repetition penalty looks at them.
struct SamplingContext {
  absl::Span<const int32_t> prompt;
  absl::Span<const int32_t> completion;
};

// For one thread: keeps buffers between calls. The config has passed CheckVocabulary().
class TokenSampler {
 public:
  TokenSampler(const SamplingConfig& config, int vocabulary_size);

  // logits [V]; uniform in (0, 1) decides the draw. Logits with a NaN or an infinity above yield
  // token 0 and a log-prob of NaN.
  SampledToken Draw(const float* logits, double uniform, const SamplingContext& context = {});

  // The record of a token that was not drawn but forced.
  SampledToken Force(const float* logits, int32_t token);

  // Cut-offs are on: the kept mass must be recorded.
  bool truncates() const { return truncates_; }
  // Penalty or bias are on: samples are not the policy's, see CheckForTraining().
  bool reshapes() const { return penalizes_ || !config_.logit_bias.empty(); }

 private:
  float LogSum(const float* logits) const;
  const float* Adjusted(const float* logits, const SamplingContext& context);
  void Penalize(const float* logits, absl::Span<const int32_t> tokens);
  int32_t DrawFromAll(double uniform);
  int32_t DrawTruncated(const float* logits, double uniform, float* log_kept_mass);

  SamplingConfig config_;
  int vocabulary_size_;
  bool truncates_;
  bool penalizes_;
  float inverse_temperature_;
  std::vector<float> adjusted_;       // [V] where it reshapes
  std::vector<float> probabilities_;  // [V] q
  std::vector<double> block_sums_;    // of the probabilities
  LogitOrder order_;
};

}  // namespace grpo
