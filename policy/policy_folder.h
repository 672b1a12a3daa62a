// A policy on disk, as a Hugging Face folder: config.json, model.safetensors, tokenizer.json and
// what belongs to them. What is saved loads in transformers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

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

// fp32 weights; F16 and BF16 tensors are widened. Layers that predict further tokens
// (num_nextn_predict_layers) are kept as they are. An error names the file and the tensor that is
// missing, left over, or of another shape than config.json says.
absl::StatusOr<Weights> LoadPolicyFolder(const std::string& folder);

// Tensors under names of our own (optimizer moments): written to and read from one safetensors
// file. Reading fills the given tensors in place; every tensor of the file must be among them.
absl::Status SaveTensors(const std::string& path, const std::vector<NamedTensor>& tensors);
absl::Status LoadTensors(const std::string& path, const std::vector<NamedTensor>& tensors);

}  // namespace grpo
