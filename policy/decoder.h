// DeepSeek's decoder: Multi-head Latent Attention and a Mixture of Experts. One code for sampling and learning;
// they differ only in where attention finds its keys and values (class Attention).
//
// Letters: N packed tokens, D width, H heads, L latent rank, R rotary width, M MoE layers, K experts per token.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/rope.h"
#include "policy/weights.h"

namespace grpo {

// What MLA has computed for the packed tokens of one layer when attention begins.
struct AttentionInput {
  at::Tensor q;       // [N, H, nope + R], rotary part not yet rotated
  at::Tensor latent;  // [N, L], normalised: keys and values in compressed form
  at::Tensor k_rope;  // [N, R], rotated, shared by all heads
};

class Attention {
 public:
  virtual ~Attention() = default;
  // [N, H v].
  virtual at::Tensor Attend(int layer, const LayerWeights& weights, const AttentionInput& input,
                            const RopeTables& rope) = 0;
};

// Attention among the packed tokens themselves, keys and values expanded from the latents: for the learner.
class PackedSequences : public Attention {
 public:
  // Sequence s is rows cu_seqlens[s] to cu_seqlens[s + 1].
  PackedSequences(const PolicyConfig& config, std::vector<int32_t> cu_seqlens)
      : config_(config), cu_seqlens_(std::move(cu_seqlens)) {}
  at::Tensor Attend(int layer, const LayerWeights& weights, const AttentionInput& input,
                    const RopeTables& rope) override;

 private:
  const PolicyConfig& config_;
  std::vector<int32_t> cu_seqlens_;
};

// The experts to use (in) or used (out), for each MoE layer [N, K] int64.
struct ExpertChoices {
  std::vector<at::Tensor> layers;
};

// The normalised hidden states [N, D] that the head turns into logits. tokens and positions [N] int64.
// `replayed`, when not null, fixes the experts; `chosen`, when not null, receives those used.
at::Tensor DecoderHidden(const Weights& weights, const at::Tensor& tokens, const at::Tensor& positions,
                         Attention& attention, const ExpertChoices* replayed, ExpertChoices* chosen);

}  // namespace grpo
