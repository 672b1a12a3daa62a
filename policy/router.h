// Which experts a token passes, and with which weights: the gates of DeepSeek-V3 (arXiv 2412.19437,
// section 2.1.2) and DeepSeek-V2 (arXiv 2405.04434, section 2.2).
//
// V3: scores sigmoid(x W); selection by score + bias, within the topk_group groups whose two best
// biased scores
//     sum highest; weights from the unbiased scores, normalised, times routed_scaling_factor.
// V2: scores softmax(x W); the best K, or the best K within the topk_group groups with the highest
// maximum;
//     weights normalised or scaled, not both.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/policy_config.h"

namespace grpo {

struct Routing {
  at::Tensor chosen;   // [N, K] int64, ascending in each row
  at::Tensor weights;  // [N, K]
  at::Tensor logits;   // [N, E]
};

// x [N, D], router [E, D], bias [E]. `replayed` [N, K], when defined, takes the place of the
// selection; weights are computed for it all the same.
Routing Route(const PolicyConfig& config, const at::Tensor& x, const at::Tensor& router,
              const at::Tensor& bias, const at::Tensor& replayed);

// The selection alone: scores [N, E] to ids [N, K] ascending. Of equal scores the lower id wins.
at::Tensor SelectExperts(const PolicyConfig& config, const at::Tensor& scores,
                         const at::Tensor& bias);

// The same gate without gradients, a row at a time: for rollouts. Keeps buffers: for one thread.
class RowRouter {
 public:
  explicit RowRouter(const PolicyConfig& config);
  // logits [E] to chosen [K], ascending, and weights [K]: the bits of Route. bias [E] may be null
  // where the gate has none.
  void Route(const float* logits, const float* bias, int16_t* chosen, float* weights);

 private:
  const PolicyConfig& config_;
  std::vector<float> scores_;     // [E]
  std::vector<double> selected_;  // [E]
  std::vector<int64_t> chosen_;   // [K]
};

}  // namespace grpo
