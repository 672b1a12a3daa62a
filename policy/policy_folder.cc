#include "policy/policy_folder.h"

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <iterator>
#include <set>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include <ATen/ATen.h>
#include <nlohmann/json.hpp>

#include "data/check.h"
#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/mapped_file.h"
#include "policy/safetensors.h"
#include "policy/threads.h"

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

// The type that a tensor is stored in, where it can be handed on as it is; fp32 otherwise.
at::ScalarType StoredType(const CheckpointReader& checkpoint, const CheckpointTensor& tensor) {
  if (!checkpoint.Bytes(tensor).has_value()) return at::kFloat;
  for (const ElementType& element : kFloatTypes) {
    if (tensor.dtype == element.name) return element.type;
  }
  return at::kFloat;
}

bool AreMatricesBfloat16(const CheckpointReader& checkpoint) {
  return std::all_of(checkpoint.tensors().begin(), checkpoint.tensors().end(),
                     [&](const CheckpointTensor& tensor) {
                       return tensor.shape.size() < 2 ||
                              StoredType(checkpoint, tensor) == at::kBFloat16;
                     });
}

// A tensor to fill, contiguous: fp32, or of the type that it is stored in.
struct TensorRead {
  const CheckpointTensor* from;
  at::Tensor to;
};

// The first element whose exponent is all ones: NaN or infinite. -1 where there is none.
template <typename Bits>
int64_t FirstNotFinite(const at::Tensor& tensor, Bits exponent) {
  const Bits* const bits = static_cast<const Bits*>(tensor.const_data_ptr());
  const int64_t count = tensor.numel();
  bool found = false;  // without a branch, so that the loop is vectorised
  for (int64_t i = 0; i < count; ++i) found |= (bits[i] & exponent) == exponent;
  if (!found) return -1;
  return std::find_if(bits, bits + count, [&](Bits b) { return (b & exponent) == exponent; }) -
         bits;
}

// A weight that is no number would make every answer NaN.
absl::Status CheckFinite(const std::string& origin, const std::string& name,
                         const at::Tensor& tensor) {
  const int64_t at =
      tensor.scalar_type() == at::kFloat      ? FirstNotFinite<uint32_t>(tensor, 0x7f800000)
      : tensor.scalar_type() == at::kBFloat16 ? FirstNotFinite<uint16_t>(tensor, 0x7f80)
                                              : FirstNotFinite<uint16_t>(tensor, 0x7c00);
  if (at < 0) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(origin, ": tensor ", name, ": element ", at,
                                                 " is ", tensor.view(-1)[at].item<float>(),
                                                 ", expected a finite number"));
}

absl::Status ReadAll(const CheckpointReader& checkpoint, const std::vector<TensorRead>& reads) {
  const int threads = std::clamp<int>(std::thread::hardware_concurrency(), 1, 8);
  std::atomic<size_t> next{0};
  return RunThreads(threads, [&](int) -> absl::Status {
    for (size_t i = next++; i < reads.size(); i = next++) {
      const auto& [from, tensor] = reads[i];
      const auto bytes = checkpoint.Bytes(*from);
      if (bytes.has_value() && StoredType(checkpoint, *from) == tensor.scalar_type() &&
          bytes->size() == tensor.nbytes()) {
        CopyMapped(*bytes, static_cast<char*>(tensor.data_ptr()));
      } else {
        GRPO_CHECK(tensor.scalar_type() == at::kFloat);
        const auto values = absl::MakeSpan(static_cast<float*>(tensor.data_ptr()), tensor.numel());
        RETURN_IF_ERROR(checkpoint.Read(*from, values));
      }
      RETURN_IF_ERROR(CheckFinite(checkpoint.path(), from->name, tensor));
    }
    return absl::OkStatus();
  });
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

absl::StatusOr<Weights> LoadWeights(const CheckpointReader& checkpoint, MatrixStorage matrices) {
  const std::string& origin = checkpoint.path();
  const std::string config_path = origin + "/config.json";
  ASSIGN_OR_RETURN(const PolicyConfig config,
                   PolicyConfigFromJson(checkpoint.config_json(), config_path));
  const bool narrow = matrices == MatrixStorage::kAsStored && AreMatricesBfloat16(checkpoint);
  Weights weights = Weights::Allocate(config, narrow ? at::kBFloat16 : at::kFloat);
  weights.config_json = checkpoint.config_json();
  for (LayerWeights& layer : weights.layers) {
    if (layer.is_moe()) layer.router_bias.zero_();  // only V3's gate has it in its checkpoints
  }
  std::vector<TensorRead> reads;
  std::set<std::string> wanted;
  for (const NamedTensor& named : weights.CheckpointTensors()) {
    const CheckpointTensor* found = checkpoint.Find(named.name);
    if (found == nullptr) return Missing(named.name, origin);
    RETURN_IF_ERROR(CheckShape(found->shape, named, origin));
    reads.push_back({found, named.tensor});
    wanted.insert(named.name);
  }
  ASSIGN_OR_RETURN(const nlohmann::json object, ParseJson(checkpoint.config_json(), {config_path}));
  const nlohmann::json layers = object.value("num_nextn_predict_layers", nlohmann::json());
  const int predicting = layers.is_number_integer() ? layers.get<int>() : 0;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    if (wanted.count(tensor.name) > 0 || IsRedundant(tensor.name, config)) continue;
    if (!IsOfPredictionLayer(tensor.name, config, predicting)) {
      return NoPlaceFor(tensor.name, origin);
    }
    weights.unused.push_back(
        {tensor.name, at::empty(tensor.shape, StoredType(checkpoint, tensor))});
    reads.push_back({&tensor, weights.unused.back().tensor});
  }
  RETURN_IF_ERROR(ReadAll(checkpoint, reads));
  return weights;
}

absl::StatusOr<Weights> LoadPolicyFolder(const std::string& path) {
  ASSIGN_OR_RETURN(const auto checkpoint, CheckpointReader::Open(path));
  return LoadWeights(*checkpoint);
}

}  // namespace grpo
