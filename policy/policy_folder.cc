#include "policy/policy_folder.h"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/checkpoint_reader.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

struct ElementType {
  const char* name;  // in safetensors
  at::ScalarType type;
};

constexpr ElementType kFloatTypes[] = {
    {"F32", at::kFloat}, {"BF16", at::kBFloat16}, {"F16", at::kHalf}};

absl::Status Missing(const std::string& name, const std::string& origin) {
  return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", name, " is missing"));
}

absl::Status NoPlaceFor(const std::string& name, const std::string& origin) {
  return absl::InvalidArgumentError(
      absl::StrCat(origin, ": tensor ", name, " has no place in this policy"));
}

absl::Status CheckShape(const std::vector<int64_t>& found, const NamedTensor& wanted,
                        const std::string& origin) {
  if (found == wanted.tensor.sizes().vec()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat(origin, ": tensor ", wanted.name, " has the shape [", absl::StrJoin(found, ", "),
                   "], expected [", absl::StrJoin(wanted.tensor.sizes(), ", "), "]"));
}

// Fills the tensor, fp32 and contiguous.
absl::Status ReadInto(const CheckpointReader& reader, const CheckpointTensor& from,
                      at::Tensor tensor) {
  return reader.Read(from, absl::MakeSpan(tensor.mutable_data_ptr<float>(), tensor.numel()));
}

// A tensor that is handed on: of the type that it is stored in where that is a plain one.
absl::StatusOr<at::Tensor> CopyOf(const CheckpointReader& reader, const CheckpointTensor& from) {
  const auto bytes = reader.Bytes(from);
  for (const ElementType& element : kFloatTypes) {
    if (!bytes.has_value() || from.dtype != element.name) continue;
    at::Tensor copy = at::empty(from.shape, element.type);
    std::copy(bytes->begin(), bytes->end(), static_cast<char*>(copy.mutable_data_ptr()));
    return copy;
  }
  at::Tensor copy = at::empty(from.shape, at::kFloat);
  RETURN_IF_ERROR(ReadInto(reader, from, copy));
  return copy;
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
  std::set<std::string> wanted;
  for (const NamedTensor& named : tensors) {
    const TensorBytes* found = reader->Find(named.name);
    if (found == nullptr) return Missing(named.name, path);
    RETURN_IF_ERROR(CheckShape(found->shape, named, path));
    if (found->dtype != "F32") {
      return absl::InvalidArgumentError(absl::StrCat(
          path, ": tensor ", named.name, " has the type ", found->dtype, ", expected F32"));
    }
    at::Tensor tensor = named.tensor;
    std::copy(found->bytes.begin(), found->bytes.end(),
              static_cast<char*>(tensor.mutable_data_ptr()));
    wanted.insert(named.name);
  }
  for (const TensorBytes& found : reader->tensors()) {
    if (wanted.count(found.name) == 0) return NoPlaceFor(found.name, path);
  }
  return absl::OkStatus();
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
  ASSIGN_OR_RETURN(const auto reader, CheckpointReader::Open(folder));
  const std::string config_path = folder + "/config.json";
  ASSIGN_OR_RETURN(const PolicyConfig config,
                   PolicyConfigFromJson(reader->config_json(), config_path));
  Weights weights = Weights::Allocate(config, at::kFloat);
  weights.config_json = reader->config_json();
  for (LayerWeights& layer : weights.layers) {
    if (layer.is_moe()) layer.router_bias.zero_();  // only V3's gate has it in its checkpoints
  }
  std::set<std::string> wanted;
  for (const NamedTensor& named : weights.CheckpointTensors()) {
    const CheckpointTensor* found = reader->Find(named.name);
    if (found == nullptr) return Missing(named.name, folder);
    RETURN_IF_ERROR(CheckShape(found->shape, named, folder));
    RETURN_IF_ERROR(ReadInto(*reader, *found, named.tensor));
    wanted.insert(named.name);
  }
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseJson(reader->config_json(), {config_path}));
  const nlohmann::json layers = object.value("num_nextn_predict_layers", nlohmann::json());
  const int predicting = layers.is_number_integer() ? layers.get<int>() : 0;
  for (const CheckpointTensor& tensor : reader->tensors()) {
    if (wanted.count(tensor.name) > 0 || IsRedundant(tensor.name, config)) continue;
    if (!IsOfPredictionLayer(tensor.name, config, predicting)) {
      return NoPlaceFor(tensor.name, folder);
    }
    ASSIGN_OR_RETURN(at::Tensor copy, CopyOf(*reader, tensor));
    weights.unused.push_back({tensor.name, std::move(copy)});
  }
  return weights;
}

}  // namespace grpo
