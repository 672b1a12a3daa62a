#include "policy/policy_folder.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <ATen/ATen.h>
#include <c10/core/GradMode.h>
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

struct ElementType {
  const char* name;  // in safetensors
  at::ScalarType type;
};

constexpr ElementType kFloatTypes[] = {
    {"F32", at::kFloat}, {"BF16", at::kBFloat16}, {"F16", at::kHalf}};

absl::StatusOr<at::Tensor> CopyOf(const TensorBytes& from, const std::string& origin) {
  for (const ElementType& element : kFloatTypes) {
    if (from.dtype != element.name) continue;
    at::Tensor copy = at::empty(from.shape, element.type);
    std::copy(from.bytes.begin(), from.bytes.end(), static_cast<char*>(copy.mutable_data_ptr()));
    return copy;
  }
  return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", from.name, " has the type ",
                                                 from.dtype, "; F32, BF16 and F16 can be read"));
}

absl::Status CopyInto(const TensorBytes& from, const std::string& origin, at::Tensor tensor) {
  const std::vector<int64_t> wanted = tensor.sizes().vec();
  if (from.shape != wanted) {
    return absl::InvalidArgumentError(absl::StrCat(
        origin, ": tensor ", from.name, " has the shape [", absl::StrJoin(from.shape, ", "),
        "], config.json makes it [", absl::StrJoin(wanted, ", "), "]"));
  }
  ASSIGN_OR_RETURN(const at::Tensor copy, CopyOf(from, origin));
  tensor.copy_(copy);
  return absl::OkStatus();
}

// Fills the tensors from the file and returns what the file has besides.
absl::StatusOr<std::vector<const TensorBytes*>> Fill(const SafetensorsReader& reader,
                                                     const std::string& origin,
                                                     const std::vector<NamedTensor>& tensors) {
  c10::NoGradGuard no_grad;
  std::set<std::string> wanted;
  for (const NamedTensor& named : tensors) {
    const TensorBytes* found = reader.Find(named.name);
    if (found == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": tensor ", named.name, " is missing"));
    }
    RETURN_IF_ERROR(CopyInto(*found, origin, named.tensor));
    wanted.insert(named.name);
  }
  std::vector<const TensorBytes*> others;
  for (const TensorBytes& found : reader.tensors()) {
    if (wanted.count(found.name) == 0) others.push_back(&found);
  }
  return others;
}

absl::Status NoPlaceFor(const TensorBytes& tensor, const std::string& origin) {
  return absl::InvalidArgumentError(
      absl::StrCat(origin, ": tensor ", tensor.name, " has no place in this policy"));
}

// Layers behind the last one that predict further tokens.
bool IsOfPredictionLayer(const std::string& name, const PolicyConfig& config, int layers) {
  int layer = -1;
  return std::sscanf(name.c_str(), "model.layers.%d.", &layer) == 1 &&
         layer >= config.num_hidden_layers && layer < config.num_hidden_layers + layers;
}

// What older files repeat without need: the tied head, tables of rotary frequencies.
bool IsRedundant(const std::string& name, const PolicyConfig& config) {
  return (config.tie_word_embeddings && name == "lm_head.weight") ||
         absl::EndsWith(name, "rotary_emb.inv_freq");
}

// config.json for weights that are now fp32.
std::string ConfigOfFp32(const std::string& config_json) {
  nlohmann::ordered_json config = nlohmann::ordered_json::parse(config_json);
  config.erase("quantization_config");
  config[config.contains("dtype") ? "dtype" : "torch_dtype"] = "float32";
  return config.dump(2) + "\n";
}

}  // namespace

absl::Status SaveTensors(const std::string& path, const std::vector<NamedTensor>& tensors) {
  std::vector<TensorBytes> all;
  for (const NamedTensor& named : tensors) {
    const auto element =
        std::find_if(std::begin(kFloatTypes), std::end(kFloatTypes),
                     [&](const ElementType& e) { return e.type == named.tensor.scalar_type(); });
    GRPO_CHECK(element != std::end(kFloatTypes));
    all.push_back({named.name, element->name, named.tensor.sizes().vec(),
                   absl::MakeConstSpan(static_cast<const char*>(named.tensor.const_data_ptr()),
                                       named.tensor.nbytes())});
  }
  return WriteSafetensors(path, std::move(all));
}

absl::Status LoadTensors(const std::string& path, const std::vector<NamedTensor>& tensors) {
  ASSIGN_OR_RETURN(const auto reader, SafetensorsReader::Open(path));
  ASSIGN_OR_RETURN(const auto others, Fill(*reader, path, tensors));
  return others.empty() ? absl::OkStatus() : NoPlaceFor(*others.front(), path);
}

absl::Status SavePolicyFolder(const std::string& folder, const Weights& weights,
                              const PolicyFolderExtras& extras) {
  RETURN_IF_ERROR(WriteFileAtomically(
      folder + "/config.json",
      weights.config_json.empty()
          ? PolicyConfigToJson(weights.config, extras.bos_token_id, extras.eos_token_id)
          : ConfigOfFp32(weights.config_json)));
  for (const auto& [name, text] : extras.files) {
    RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", name), text));
  }
  RETURN_IF_ERROR(WriteFileAtomically(folder + "/tokenizer.json", extras.tokenizer_json));
  std::vector<NamedTensor> tensors = weights.CheckpointTensors();
  tensors.insert(tensors.end(), weights.unused.begin(), weights.unused.end());
  return SaveTensors(folder + "/model.safetensors", tensors);
}

absl::StatusOr<Weights> LoadPolicyFolder(const std::string& folder) {
  const std::string config_path = folder + "/config.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(config_path));
  ASSIGN_OR_RETURN(const PolicyConfig config, PolicyConfigFromJson(text, config_path));
  Weights weights = Weights::Allocate(config, at::kFloat);
  weights.config_json = text;
  for (LayerWeights& layer : weights.layers) {
    if (layer.is_moe()) layer.router_bias.zero_();  // only V3's gate has it in its checkpoints
  }
  ASSIGN_OR_RETURN(const auto reader, SafetensorsReader::Open(folder));
  ASSIGN_OR_RETURN(const auto others, Fill(*reader, folder, weights.CheckpointTensors()));
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseJson(text, {config_path}));
  const nlohmann::json layers = object.value("num_nextn_predict_layers", nlohmann::json());
  for (const TensorBytes* tensor : others) {
    if (IsRedundant(tensor->name, config)) continue;
    if (!layers.is_number_integer() ||
        !IsOfPredictionLayer(tensor->name, config, layers.get<int>())) {
      return NoPlaceFor(*tensor, folder);
    }
    ASSIGN_OR_RETURN(at::Tensor copy, CopyOf(*tensor, folder));
    weights.unused.push_back({tensor->name, std::move(copy)});
  }
  return weights;
}

}  // namespace grpo
