// Attention of new tokens over everything cached of their sequences, in the latent space.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/decoder.h"
#include "rollout/latent_cache.h"

namespace grpo {

class PagedSequences : public Attention {
 public:
  PagedSequences(const PolicyConfig& config, LatentCache& cache) : config_(config), cache_(cache) {}

  // The tokens of the coming forward: row n is the token at `positions[n]` of `sequences[n]`, room
  // for which has been made by Extend.
  void SetRows(const std::vector<int32_t>& sequences, const std::vector<int32_t>& positions);

  // Writes the tokens' rows into the cache, then attends.
  at::Tensor Mix(int layer, const at::Tensor& q, const at::Tensor& rows) override;

 private:
  const PolicyConfig& config_;
  LatentCache& cache_;
  std::vector<int32_t> sequences_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> num_visible_;
};

}  // namespace grpo
