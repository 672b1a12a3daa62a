// The decoder: Multi-head Latent Attention or grouped-query attention, and dense MLPs or a Mixture
// of Experts, as the architecture says (policy/architecture.h). One code for sampling and learning;
// they differ only in where attention finds its keys and values: here among the packed tokens
// themselves, in rollouts in a cache (rollout/batch_forward.h), with the same bits.
//
// Letters: N packed tokens, D width, H heads, C cached heads, L latent rank, R rotary width, M MoE
// layers, E experts, K experts per token.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/kernels/kernels.h"
#include "policy/ops.h"
#include "policy/rope.h"
#include "policy/weights.h"

namespace grpo {

// Policies with bfloat16 matrices attend in bfloat16 too.
inline bool AttendsInBFloat16(const Weights& weights) {
  return weights.head.scalar_type() == at::kBFloat16;
}

// The norms inside MLA have their own epsilon, whatever rms_norm_eps says.
inline constexpr double kLatentNormEps = 1e-6;

// What attention keeps of a token, and how heads read it. MLA runs absorbed: queries are carried
// into the latent space, where one row a token, latent and rotary key, serves all heads as key and
// value, and no key or value is ever expanded. With grouped queries each cached head has its key,
// then its value.
AttentionShape CachedAttentionShape(const PolicyConfig& config);

// The experts to use (in) or used (out), for each MoE layer [N, K] int64.
struct ExpertChoices {
  std::vector<at::Tensor> layers;
};

// What the routers of the MoE layers did.
struct RouterOutputs {
  ExpertChoices chosen;
  std::vector<at::Tensor> logits;  // [N, E] each, through which losses reach the routers
};

// The normalised hidden states [N, D] that the head turns into logits. tokens and positions [N]
// int64, a prefix's once; attention causal within each sequence.
// `replayed`, when not null, fixes the experts; `routers`, when not null, is added to. The first
// `recomputed_layers` layers keep nothing but their input for the backward pass, until which the
// weights and `replayed` must stay where they are.
at::Tensor DecoderHidden(const Weights& weights, const at::Tensor& tokens,
                         const at::Tensor& positions, const PackedSequences& sequences,
                         const ExpertChoices* replayed, RouterOutputs* routers,
                         int recomputed_layers = 0);

}  // namespace grpo
