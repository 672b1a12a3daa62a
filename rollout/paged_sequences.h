// Attention of new tokens over everything cached of their sequences.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/decoder.h"
#include "rollout/paged_cache.h"

namespace grpo {

class PagedSequences : public Attention {
 public:
  PagedSequences(const PolicyConfig& config, PagedCache& cache)
      : shape_(CachedAttentionShape(config)), cache_(cache) {}

  // The tokens of the coming forward: row n is the token at `positions[n]` of `sequences[n]`, room
  // for which has been made by Extend.
  void SetRows(const std::vector<int32_t>& sequences, const std::vector<int32_t>& positions);

  // Writes the tokens' rows into the cache, then attends.
  at::Tensor Mix(int layer, const at::Tensor& q, const at::Tensor& rows) override;

 private:
  AttentionShape shape_;
  PagedCache& cache_;
  std::vector<int32_t> sequences_;
  std::vector<int32_t> positions_;
  std::vector<int32_t> num_visible_;
};

}  // namespace grpo
