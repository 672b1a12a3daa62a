#include "policy/policy_folder.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <nlohmann/json.hpp>

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

absl::Status CopyInto(const TensorBytes& from, const std::string& origin, at::Tensor tensor) {
  const std::vector<int64_t> wanted = tensor.sizes().vec();
  if (from.shape != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        origin, ": tensor ", from.name, " has the shape [", absl::StrJoin(from.shape, ", "),
        "], config.json makes it [", absl::StrJoin(wanted, ", "), "]"));
  }
  at::ScalarType type;
  if (from.dtype == "F32") {
    type = at::kFloat;
  } else if (from.dtype == "BF16") {
    type = at::kBFloat16;
  } else if (from.dtype == "F16") {
    type = at::kHalf;
  } else {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", from.name, " has the type ",
                                                   from.dtype, "; F32, BF16 and F16 can be read"));
  }
  at::Tensor bytes = at::empty(wanted, type);
  std::copy(from.bytes.begin(), from.bytes.end(), static_cast<char*>(bytes.mutable_data_ptr()));
  tensor.copy_(bytes);
  return absl::OkStatus();
}

}  // namespace

absl::Status SaveTensors(const std::string& path, const std::vector<NamedTensor>& tensors) {
  std::vector<TensorBytes> all;
  for (const NamedTensor& named : tensors) {
    all.push_back({named.name, "F32", named.tensor.sizes().vec(),
                   absl::MakeConstSpan(static_cast<const char*>(named.tensor.const_data_ptr()),
                                       named.tensor.nbytes())});
  }
  return WriteSafetensors(path, std::move(all));
}

absl::Status LoadTensors(const std::string& path, const std::vector<NamedTensor>& tensors) {
  ASSIGN_OR_RETURN(const auto reader, SafetensorsReader::Open(path));
  c10::NoGradGuard no_grad;
  for (const NamedTensor& named : tensors) {
    const TensorBytes* found = reader->Find(named.name);
    if (found == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(path, ": tensor ", named.name, " is missing"));
    }
    RETURN_IF_ERROR(CopyInto(*found, path, named.tensor));
  }
  if (reader->tensors().size() != tensors.size()) {
    for (const TensorBytes& found : reader->tensors()) {
      const bool known = std::any_of(tensors.begin(), tensors.end(),
                                     [&](const NamedTensor& n) { return n.name == found.name; });
      if (!known) {
        return absl::InvalidArgumentError(
            absl::StrCat(path, ": tensor ", found.name, " has no place in this policy"));
      }
    }
  }
  return absl::OkStatus();
}

absl::Status SavePolicyFolder(const std::string& folder, const Weights& weights,
                              const PolicyFolderExtras& extras) {
  RETURN_IF_ERROR(WriteFileAtomically(
      folder + "/config.json",
      PolicyConfigToJson(weights.config, extras.bos_token_id, extras.eos_token_id)));
  const nlohmann::ordered_json generation = {{"bos_token_id", extras.bos_token_id},
                                             {"eos_token_id", extras.eos_token_id}};
  RETURN_IF_ERROR(
      WriteFileAtomically(folder + "/generation_config.json", generation.dump(2) + "\n"));
  RETURN_IF_ERROR(WriteFileAtomically(folder + "/tokenizer.json", extras.tokenizer_json));
  return SaveTensors(folder + "/model.safetensors", weights.CheckpointTensors());
}

absl::StatusOr<Weights> LoadPolicyFolder(const std::string& folder) {
  const std::string config_path = folder + "/config.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(config_path));
  ASSIGN_OR_RETURN(const PolicyConfig config, PolicyConfigFromJson(text, config_path));
  Weights weights = Weights::Allocate(config, at::kFloat);
  for (LayerWeights& layer : weights.layers) {
    if (layer.is_moe()) layer.router_bias.zero_();  // V2 checkpoints have none
  }
  RETURN_IF_ERROR(LoadTensors(folder + "/model.safetensors", weights.CheckpointTensors()));
  return weights;
}

}  // namespace grpo
