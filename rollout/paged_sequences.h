// Attention of new tokens over everything cached of their sequences, in the latent space (absorbed MLA):
// queries are carried into it, and no key or value is ever expanded.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/decoder.h"
#include "rollout/latent_cache.h"

namespace grpo {

class PagedSequences : public Attention {
 public:
  PagedSequences(const PolicyConfig& config, LatentCache& cache) : config_(config), cache_(cache) {}

  // The tokens of the coming forward: row n is the token at `positions[n]` of `sequences[n]`, room for which has
  // been made by Extend.
  void SetRows(const std::vector<int32_t>& sequences, const std::vector<int32_t>& positions);

  at::Tensor Attend(int layer, const LayerWeights& weights, const AttentionInput& input,
                    const RopeTables& rope) override;

 private:
  const PolicyConfig& config_;
  LatentCache& cache_;
  std::vector<int32_t> sequences_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> num_visible_;
};

}  // namespace grpo
