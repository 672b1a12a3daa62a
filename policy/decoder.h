// The decoder: Multi-head Latent Attention or grouped-query attention, and dense MLPs or a Mixture
// of Experts, as the architecture says (policy/architecture.h). One code for sampling and learning;
// they differ only in where attention finds its keys and values (class Attention).
//
// Letters: N packed tokens, D width, H heads, C cached heads, L latent rank, R rotary width, M MoE
// layers, K experts per token.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/kernels/kernels.h"
#include "policy/rope.h"
#include "policy/weights.h"

namespace grpo {

// The norms inside MLA have their own epsilon, whatever rms_norm_eps says.
inline constexpr double kLatentNormEps = 1e-6;

// What attention keeps of a token, and how heads read it. MLA runs absorbed: queries are carried
// into the latent space, where one row a token, latent and rotary key, serves all heads as key and
// value, and no key or value is ever expanded. With grouped queries each cached head has its key,
// then its value.
AttentionShape CachedAttentionShape(const PolicyConfig& config);

// Where attention finds the tokens before. Sampling and learning do the same operations in the same
// order, so their results are the same bits.
class Attention {
 public:
  virtual ~Attention() = default;
  // q [N, H, key_dim] and rows [N, C * row_dim] of the packed tokens to [N, H, value_dim], sizes by
  // CachedAttentionShape.
  virtual at::Tensor Mix(int layer, const at::Tensor& q, const at::Tensor& rows) = 0;
};

// Attention among the packed tokens themselves: for the learner.
class PackedSequences : public Attention {
 public:
  // Sequence s is rows cu_seqlens[s] to cu_seqlens[s + 1].
  PackedSequences(const PolicyConfig& config, std::vector<int32_t> cu_seqlens)
      : shape_(CachedAttentionShape(config)), cu_seqlens_(std::move(cu_seqlens)) {}
  at::Tensor Mix(int layer, const at::Tensor& q, const at::Tensor& rows) override;

 private:
  AttentionShape shape_;
  std::vector<int32_t> cu_seqlens_;
};

// The experts to use (in) or used (out), for each MoE layer [N, K] int64.
struct ExpertChoices {
  std::vector<at::Tensor> layers;
};

// The normalised hidden states [N, D] that the head turns into logits. tokens and positions [N]
// int64. `replayed`, when not null, fixes the experts; `chosen`, when not null, receives those
// used.
at::Tensor DecoderHidden(const Weights& weights, const at::Tensor& tokens,
                         const at::Tensor& positions, Attention& attention,
                         const ExpertChoices* replayed, ExpertChoices* chosen);

}  // namespace grpo
