// A policy on disk: written as a Hugging Face folder (config.json, model.safetensors,
// tokenizer.json and what belongs to them) that loads in transformers, read from such a folder or a
// GGUF file.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

#include "policy/checkpoint_reader.h"
#include "policy/weights.h"

namespace grpo {

struct PolicyFolderExtras {
  std::string tokenizer_json;
  std::map<std::string, std::string> files;  // further ones, by name: tokenizer_config.json, …
  int bos_token_id = -1;                     // below 0: none
  int eos_token_id = 0;
};

// The folder must exist. Each file is written in one step.
absl::Status SavePolicyFolder(const std::string& folder, const Weights& weights,
                              const PolicyFolderExtras& extras);

// In memory matrices are fp32, or bfloat16 where all of them are stored so: half the memory, the
// same results, no gradients.
enum class MatrixStorage { kFloat, kAsStored };

// fp32 weights otherwise: narrower and quantised tensors are widened. Never holds a second copy of
// them. Layers that predict further tokens (num_nextn_predict_layers) are kept as they are. An
// error names the file and the tensor that is missing, left over, of another shape than config.json
// says, or not finite in an element.
absl::StatusOr<Weights> LoadWeights(const CheckpointReader& checkpoint,
                                    MatrixStorage matrices = MatrixStorage::kFloat);
absl::StatusOr<Weights> LoadPolicyFolder(const std::string& path);

// Tensors under names of our own (optimizer moments): written to and read from one safetensors
// file. Reading fills the given tensors in place; every tensor of the file must be among them.
absl::Status SaveTensors(const std::string& path, const std::vector<NamedTensor>& tensors);
absl::Status LoadTensors(const std::string& path, const std::vector<NamedTensor>& tensors);

}  // namespace grpo
