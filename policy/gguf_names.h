// The names of tensors in GGUF files and in Hugging Face checkpoints. A table joins them; where
// the two lay a matrix out differently, the layout says how.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

enum class TensorLayout {
  kSame,
  // The rows of a head's two rotary halves take turns in GGUF, where the architecture rotates
  // neighbours (`llama`); elsewhere as kSame.
  kQueryRows,
  kKeyRows,
  kExperts,    // GGUF stacks the experts' matrices [E, …]; a checkpoint has one tensor for each
  kKeyValueB,  // kv_b_proj as one matrix, as old files have it
  kKeyB,       // its keys' rows by head, each head transposed: [H, latent, nope]
  kValueB,     // its values' rows by head: [H, value, latent]
};

// What a name means.
struct TensorName {
  int layer = -1;    // -1: outside the layers
  std::string stem;  // the name within the layer; of an expert's tensor: after the number
  int expert = -1;   // an expert's tensor in a checkpoint
  TensorLayout layout = TensorLayout::kSame;
};

// Translations; nullopt for a name that has no counterpart. To GGUF, `kv_b_proj` is the unsplit
// attn_kv_b and an expert's tensor is the stacked one.
absl::optional<TensorName> GgufToHuggingFace(absl::string_view gguf_name);
absl::optional<TensorName> HuggingFaceToGguf(absl::string_view hugging_face_name);

// The name of a tensor in a file, from its layer and the name within it.
std::string GgufName(int layer, absl::string_view stem);
std::string HuggingFaceName(int layer, absl::string_view stem);
std::string HuggingFaceExpertName(int layer, int expert, absl::string_view stem);

// Takes "model.layers.7.mlp…" or "blk.7.attn…" (by `prefix`) apart; false for other names.
bool SplitLayer(absl::string_view name, absl::string_view prefix, int* layer,
                absl::string_view* stem);

}  // namespace grpo
