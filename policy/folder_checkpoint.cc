#include "policy/folder_checkpoint.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/fp8_blocks.h"
#include "policy/mapped_file.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

constexpr char kScaleSuffix[] = "_scale_inv";
constexpr char kFp8[] = "F8_E4M3";
constexpr char kGateUp[] = "mlp.experts.gate_up_proj";
constexpr char kDown[] = "mlp.experts.down_proj";

absl::Status Invalid(const std::string& where, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", problem));
}

class FolderCheckpoint : public CheckpointReader {
 public:
  static absl::StatusOr<std::unique_ptr<CheckpointReader>> Open(const std::string& folder) {
    auto checkpoint = absl::WrapUnique(new FolderCheckpoint);
    checkpoint->path_ = folder;
    RETURN_IF_ERROR(checkpoint->ReadConfig());
    RETURN_IF_ERROR(checkpoint->ReadTexts());
    ASSIGN_OR_RETURN(checkpoint->file_, SafetensorsReader::Open(folder));
    RETURN_IF_ERROR(checkpoint->ListTensors());
    return checkpoint;
  }

  absl::optional<absl::Span<const char>> Bytes(const CheckpointTensor& tensor) const override {
    const Place& place = places_[IndexOf(tensor)];
    if (place.scales != nullptr) return absl::nullopt;
    return place.bytes;
  }

 protected:
  absl::Status Assemble(const CheckpointTensor& tensor, absl::Span<float> out) const override {
    const Place& place = places_[IndexOf(tensor)];
    const absl::Status status = DequantizeFp8({tensor.shape[0], tensor.shape[1], block_rows_,
                                               block_columns_, place.bytes, place.scales->bytes},
                                              out);
    DropPages(place.bytes);
    return status;
  }

 private:
  // Where the elements of a tensor lie.
  struct Place {
    absl::Span<const char> bytes;
    const TensorBytes* scales = nullptr;  // of FP8
  };

  absl::Status ReadConfig();
  absl::Status TakeQuantization(const ordered_json& quantization, const std::string& where);
  absl::Status ReadTexts();
  absl::Status ListTensors();
  absl::Status Add(const TensorBytes& tensor);
  absl::Status AddFp8(const TensorBytes& tensor);
  absl::Status AddExperts(const TensorBytes& tensor, absl::string_view prefix,
                          const std::vector<std::string>& parts);
  void Add(CheckpointTensor tensor, Place place) { listed_.emplace_back(std::move(tensor), place); }

  std::unique_ptr<SafetensorsReader> file_;
  bool is_fp8_ = false;
  int64_t block_rows_ = 128, block_columns_ = 128;
  std::vector<std::pair<CheckpointTensor, Place>> listed_;  // while it is opened
  std::vector<Place> places_;                               // as tensors_
};

absl::Status FolderCheckpoint::ReadConfig() {
  const std::string config_path = path_ + "/config.json";
  ASSIGN_OR_RETURN(config_json_, ReadFile(config_path));
  RETURN_IF_ERROR(ParseJson(config_json_, {config_path}).status());
  ordered_json config = ordered_json::parse(config_json_, nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) return Invalid(config_path, "expected a JSON object");
  const auto quantization = config.find("quantization_config");
  if (quantization == config.end() || quantization->is_null()) return absl::OkStatus();
  RETURN_IF_ERROR(TakeQuantization(*quantization, config_path + ": 'quantization_config'"));
  config.erase("quantization_config");
  config_json_ = config.dump(2) + "\n";
  return absl::OkStatus();
}

absl::Status FolderCheckpoint::TakeQuantization(const ordered_json& quantization,
                                                const std::string& where) {
  const auto is = [&](const char* key, const char* wanted) {
    return quantization.is_object() && quantization.contains(key) && quantization[key] == wanted;
  };
  if (!is("quant_method", "fp8") || (quantization.contains("fmt") && !is("fmt", "e4m3")) ||
      !quantization.contains("weight_block_size")) {
    return Invalid(where,
                   "only DeepSeek's FP8 can be read: quant_method fp8, fmt e4m3, with a "
                   "weight_block_size");
  }
  const ordered_json& block = quantization["weight_block_size"];
  const auto in_range = [](const ordered_json& extent) {
    return extent.is_number_integer() && extent >= 1 && extent <= 1 << 20;
  };
  if (!block.is_array() || block.size() != 2 || !in_range(block[0]) || !in_range(block[1])) {
    return Invalid(where, "'weight_block_size' must be two whole numbers such as [128, 128]");
  }
  is_fp8_ = true;
  block_rows_ = block[0].get<int64_t>();
  block_columns_ = block[1].get<int64_t>();
  return absl::OkStatus();
}

// The tokenizer's files, and a chat template that stands in a file of its own.
absl::Status FolderCheckpoint::ReadTexts() {
  const auto read = [this](const char* name, std::string* text) {
    const std::string path = absl::StrCat(path_, "/", name);
    ASSIGN_OR_RETURN(*text, ReadFileIfThere(path));
    return text->empty() ? absl::OkStatus() : ParseJson(*text, {path}).status();
  };
  RETURN_IF_ERROR(read("tokenizer.json", &tokenizer_json_));
  RETURN_IF_ERROR(read("tokenizer_config.json", &tokenizer_config_json_));
  RETURN_IF_ERROR(read("generation_config.json", &generation_config_json_));
  ASSIGN_OR_RETURN(const std::string chat_template,
                   ReadFileIfThere(path_ + "/chat_template.jinja"));
  if (chat_template.empty()) return absl::OkStatus();
  ordered_json config = ordered_json::parse(
      tokenizer_config_json_.empty() ? "{}" : tokenizer_config_json_, nullptr, false);
  if (!config.is_object()) return Invalid(path_ + "/tokenizer_config.json", "expected an object");
  if (config.contains("chat_template")) return absl::OkStatus();
  config["chat_template"] = chat_template;
  tokenizer_config_json_ =
      config.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
  return absl::OkStatus();
}

absl::Status FolderCheckpoint::ListTensors() {
  for (const TensorBytes& tensor : file_->tensors()) {
    const absl::Status status = Add(tensor);
    if (!status.ok()) {
      return Invalid(path_, absl::StrCat("tensor '", tensor.name, "': ", status.message()));
    }
  }
  std::sort(listed_.begin(), listed_.end(),
            [](const auto& a, const auto& b) { return a.first.name < b.first.name; });
  for (auto& [tensor, place] : listed_) {
    if (!tensors_.empty() && tensors_.back().name == tensor.name) {
      return Invalid(path_, absl::StrCat("tensor '", tensor.name,
                                         "' stands there alone and among fused experts"));
    }
    tensors_.push_back(std::move(tensor));
    places_.push_back(place);
  }
  listed_.clear();
  return absl::OkStatus();
}

absl::Status FolderCheckpoint::Add(const TensorBytes& tensor) {
  if (tensor.dtype == kFp8) return AddFp8(tensor);
  absl::string_view name = tensor.name;
  if (is_fp8_ && absl::ConsumeSuffix(&name, kScaleSuffix)) {
    const TensorBytes* const scaled = file_->Find(name);
    if (scaled != nullptr && scaled->dtype == kFp8) return absl::OkStatus();  // with its tensor
  }
  name = tensor.name;
  if (absl::ConsumeSuffix(&name, kGateUp)) {
    return AddExperts(tensor, name, {"gate_proj.weight", "up_proj.weight"});
  }
  if (absl::ConsumeSuffix(&name, kDown)) return AddExperts(tensor, name, {"down_proj.weight"});
  Add({tensor.name, tensor.shape, tensor.name, tensor.dtype}, {tensor.bytes});
  return absl::OkStatus();
}

absl::Status FolderCheckpoint::AddFp8(const TensorBytes& tensor) {
  if (!is_fp8_) {
    return absl::InvalidArgumentError(
        absl::StrCat("has the type ", kFp8, ", but config.json has no 'quantization_config'"));
  }
  const TensorBytes* const scales = file_->Find(tensor.name + kScaleSuffix);
  if (scales == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat("its scales '", tensor.name, kScaleSuffix, "' are missing"));
  }
  const auto blocks = [](int64_t extent, int64_t block) { return (extent + block - 1) / block; };
  if (tensor.shape.size() != 2 || scales->dtype != "F32" ||
      scales->shape != std::vector<int64_t>{blocks(tensor.shape[0], block_rows_),
                                            blocks(tensor.shape[1], block_columns_)}) {
    return absl::InvalidArgumentError(
        absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "] in blocks of ", block_rows_, " x ",
                     block_columns_, " does not fit its scales, ", scales->dtype, " [",
                     absl::StrJoin(scales->shape, ", "), "]"));
  }
  Add({tensor.name, tensor.shape, tensor.name, tensor.dtype}, {tensor.bytes, scales});
  return absl::OkStatus();
}

// `parts` lie one after the other in each expert.
absl::Status FolderCheckpoint::AddExperts(const TensorBytes& tensor, absl::string_view prefix,
                                          const std::vector<std::string>& parts) {
  const auto num_parts = static_cast<int64_t>(parts.size());
  if (tensor.shape.size() != 3 || tensor.shape[1] % num_parts != 0 || tensor.shape[0] > 1 << 20) {
    return absl::InvalidArgumentError(absl::StrCat("fused experts must be [E, ", num_parts,
                                                   " I, D], found [",
                                                   absl::StrJoin(tensor.shape, ", "), "]"));
  }
  const int64_t rows = tensor.shape[1] / num_parts;
  const int64_t count = tensor.shape[0] * num_parts;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t expert = i / num_parts;
    const size_t size = tensor.bytes.size() / count;
    Add({absl::StrCat(prefix, "mlp.experts.", expert, ".", parts[i % num_parts]),
         {rows, tensor.shape[2]},
         absl::StrCat(tensor.name, "[", expert, "]"),
         tensor.dtype},
        {tensor.bytes.subspan(i * size, size)});
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenFolderCheckpoint(const std::string& folder) {
  return FolderCheckpoint::Open(folder);
}

}  // namespace grpo
