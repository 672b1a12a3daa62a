// The parameters of a policy. In memory related matrices are fused; on disk they carry the names of
// a Hugging Face checkpoint, each a view into the fused tensor.
//
// Letters: V vocabulary, D model width, H heads, C cached heads (of keys and values), d head width,
// L latent rank, R rotary width, E experts, I expert width.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/lora.h"
#include "policy/policy_config.h"

namespace grpo {

struct MlpWeights {
  at::Tensor gate_up;  // [2I, D]: gate rows, then up rows
  at::Tensor down;     // [D, I]
};

// What an architecture does not have is undefined.
struct LayerWeights {
  at::Tensor input_norm;  // [D]
  // Latent attention.
  at::Tensor q_a;        // [q_lora, D]; only with query compression, as the next two
  at::Tensor q_a_bias;   // [q_lora]
  at::Tensor q_a_norm;   // [q_lora]
  at::Tensor q;          // [H (nope + R), q_lora or D]
  at::Tensor kv_a;       // [L + R, D]
  at::Tensor kv_a_bias;  // [L + R]
  at::Tensor kv_a_norm;  // [L]
  at::Tensor kv_b;       // [H (nope + v), L]
  // Grouped-query attention.
  at::Tensor qkv;       // [(H + 2 C) d, D]: query rows, then key rows, then value rows
  at::Tensor qkv_bias;  // [(H + 2 C) d]
  at::Tensor q_norm;    // [d]
  at::Tensor k_norm;    // [d]
  // Both.
  at::Tensor o;          // [D, H v or H d]
  at::Tensor o_bias;     // [D]
  at::Tensor post_norm;  // [D]
  MlpWeights mlp;  // the dense MLP, or the shared experts as one (undefined where there are none)
  // Experts, in the layers that have them.
  at::Tensor router;          // [E, D]
  at::Tensor router_bias;     // [E], used for selection only; no gradient
  at::Tensor expert_gate_up;  // [E, 2I, D]
  at::Tensor expert_down;     // [E, D, I]

  bool is_moe() const { return router.defined(); }
};

// Asks for huge pages for the whole ones within a tensor: filling and reading it then takes far
// fewer page faults.
void AskForHugePages(const at::Tensor& tensor);

// A tensor under its checkpoint name.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

int64_t CountElements(const std::vector<NamedTensor>& tensors);

struct Weights {
  PolicyConfig config;
  at::Tensor embedding;  // [V, D]
  std::vector<LayerWeights> layers;
  at::Tensor final_norm;  // [D]
  at::Tensor head;        // [V, D]; the embedding itself when tied
  Adapters adapters;      // where there are some, they alone are trained
  // Tensors of the checkpoint that the decoder does not use (layers that predict several tokens):
  // handed on as they came, never trained.
  std::vector<NamedTensor> unused;
  std::string config_json;  // as it came, for who takes the weights away; empty for random weights

  // Uninitialised tensors of the configured shapes. With bfloat16 matrices, norms and biases are
  // fp32, as the activations are; such weights take no gradient.
  static Weights Allocate(const PolicyConfig& config, at::ScalarType dtype);
  // Normal weights of standard deviation init_std (outputs into the residual stream smaller by
  // sqrt(2 layers)), norms one, biases zero. A pure function of the arguments.
  static Weights Random(const PolicyConfig& config, double init_std, uint64_t seed,
                        at::ScalarType dtype = at::kFloat);

  // Matrices, norms and biases, fused, in a fixed order with readable names.
  std::vector<NamedTensor> Parameters() const;
  // Those of the adapters: "layers.3.q_a.lora_a", …
  std::vector<NamedTensor> AdapterParameters() const;
  // What an optimizer trains: the adapters' where there are some.
  std::vector<NamedTensor> TrainedParameters() const;
  // Every tensor that the decoder uses under its name in a Hugging Face checkpoint, in a fixed
  // order, as contiguous views into this struct.
  std::vector<NamedTensor> CheckpointTensors() const;

  Weights Clone() const;
  // The adapters' products added to their matrices: the same policy without adapters, in tensors of
  // its own.
  Weights Merged() const;
  // What training changes: TrainedParameters(), and the selection biases of routers.
  std::vector<NamedTensor> TrainedState() const;
  // These, adapters included, become (1 - share) of themselves plus share of the others, of the
  // same shapes; with 1 they are the others, bit for bit.
  void MoveTowards(const Weights& others, double share);
  // Rounded or widened to this type; with bfloat16 all values are rounded, but norms and biases
  // stay in fp32 tensors. Tensors that are so already are shared, not copied.
  Weights To(at::ScalarType dtype) const;
  // What training computes with in bfloat16: matrices rounded, in tensors of their own, but
  // routers, norms and biases shared with these.
  Weights WithBFloat16Matrices() const;
  // Rounds the matrices of `others` once more into these, which came from them so.
  void RoundMatricesOf(const Weights& others);
  // The same tensors, which share these' values and whether they are trained, but collect gradients
  // of their own.
  Weights WithOwnGradients() const;
  int64_t CountParameters() const;
  // SHA-256 over names, shapes and bytes of all checkpoint tensors and adapters, as hexadecimal
  // text.
  std::string Digest() const;
};

// Applies `change` to every tensor of the weights, in a fixed order.
template <typename Change>
void ForEachTensor(Weights& weights, Change change) {
  change(weights.embedding);
  for (LayerWeights& layer : weights.layers) {
    for (at::Tensor* tensor : {&layer.input_norm, &layer.q_a,         &layer.q_a_bias,
                               &layer.q_a_norm,   &layer.q,           &layer.kv_a,
                               &layer.kv_a_bias,  &layer.kv_a_norm,   &layer.kv_b,
                               &layer.qkv,        &layer.qkv_bias,    &layer.q_norm,
                               &layer.k_norm,     &layer.o,           &layer.o_bias,
                               &layer.post_norm,  &layer.mlp.gate_up, &layer.mlp.down,
                               &layer.router,     &layer.router_bias, &layer.expert_gate_up,
                               &layer.expert_down}) {
      if (tensor->defined()) change(*tensor);
    }
  }
  change(weights.final_norm);
  if (!weights.config.tie_word_embeddings) change(weights.head);
  if (weights.config.tie_word_embeddings) weights.head = weights.embedding;
  ForEachAdapter(weights.adapters, [&](const std::string&, LowRank& adapter) {
    change(adapter.a);
    change(adapter.b);
  });
}

}  // namespace grpo
