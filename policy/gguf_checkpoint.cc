#include "policy/gguf_checkpoint.h"

#include <algorithm>
#include <set>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

#include "data/status_macros.h"
#include "policy/gguf.h"
#include "policy/gguf_config.h"
#include "policy/gguf_names.h"
#include "policy/gguf_tokenizer.h"
#include "policy/mapped_file.h"

namespace grpo {
namespace {

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

// Some rows of a tensor, as floats.
absl::Status ReadRows(const GgufTensor& tensor, int64_t first, int64_t count,
                      absl::Span<float> out) {
  const int64_t row = tensor.shape.back();
  const int64_t row_bytes = row / tensor.format->elements * tensor.format->bytes;
  return Dequantize(*tensor.format, tensor.bytes.subspan(first * row_bytes, count * row_bytes),
                    out);
}

class GgufCheckpoint : public CheckpointReader {
 public:
  static absl::StatusOr<std::unique_ptr<CheckpointReader>> Open(const std::string& path) {
    auto checkpoint = absl::WrapUnique(new GgufCheckpoint);
    checkpoint->path_ = path;
    ASSIGN_OR_RETURN(checkpoint->file_, GgufReader::Open(path));
    const absl::Status status = checkpoint->Fill();
    if (status.ok()) return checkpoint;
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  }

  absl::optional<absl::Span<const char>> Bytes(const CheckpointTensor& tensor) const override {
    const Place& place = places_[IndexOf(tensor)];
    if (place.layout == TensorLayout::kExperts) return ExpertBytes(place);
    if (place.layout != TensorLayout::kSame) return absl::nullopt;
    return place.tensor->bytes;
  }

 protected:
  absl::Status Assemble(const CheckpointTensor& tensor, absl::Span<float> out) const override;

 private:
  // Where the elements of a tensor lie, and how.
  struct Place {
    const GgufTensor* tensor;
    TensorLayout layout = TensorLayout::kSame;
    int expert = -1;
    const GgufTensor* values = nullptr;  // kKeyB: its other half
  };

  absl::Status Fill();
  absl::Status ListTensors();
  absl::Status Add(const GgufTensor& tensor, TensorName name);
  absl::Status AddExperts(const GgufTensor& tensor, const TensorName& name);
  absl::Status AddKeyValueB(const GgufTensor& keys, const TensorName& name);
  absl::Status AddRows(const GgufTensor& tensor, const TensorName& name);
  void Add(CheckpointTensor tensor, Place place) { listed_.emplace_back(std::move(tensor), place); }

  absl::Span<const char> ExpertBytes(const Place& place) const {
    const size_t size = place.tensor->bytes.size() / place.tensor->shape[0];
    return place.tensor->bytes.subspan(place.expert * size, size);
  }
  absl::Status ReadPermuted(const Place& place, int64_t heads, absl::Span<float> out) const;
  absl::Status ReadKeyValueB(const Place& place, absl::Span<float> out) const;

  std::unique_ptr<GgufReader> file_;
  ModelShape shape_;
  std::vector<std::pair<CheckpointTensor, Place>> listed_;  // while it is opened
  std::vector<Place> places_;                               // as tensors_
};

absl::Status GgufCheckpoint::Fill() {
  if (file_->metadata().Has("split.count")) {
    ASSIGN_OR_RETURN(const int64_t parts, file_->metadata().Integer("split.count"));
    if (parts > 1) {
      return Invalid(absl::StrCat("is one of ", parts,
                                  " parts of a model; join them with llama.cpp's gguf-split"));
    }
  }
  ASSIGN_OR_RETURN(nlohmann::ordered_json config, ConfigFromGguf(*file_));
  ASSIGN_OR_RETURN(shape_, ShapeFromConfig(nlohmann::json(config)));
  config_json_ = config.dump(2) + "\n";
  ASSIGN_OR_RETURN(HuggingFaceTokenizer tokenizer, TokenizerFromGguf(file_->metadata()));
  tokenizer_json_ = std::move(tokenizer.tokenizer_json);
  tokenizer_config_json_ = std::move(tokenizer.tokenizer_config_json);
  generation_config_json_ = std::move(tokenizer.generation_config_json);
  return ListTensors();
}

absl::Status GgufCheckpoint::ListTensors() {
  // These stand for a part of config.json.
  static const auto* const in_config = new std::set<std::string>{
      "rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight"};
  for (const GgufTensor& tensor : file_->tensors()) {
    if (in_config->count(tensor.name) > 0) continue;
    const absl::optional<TensorName> name = GgufToHuggingFace(tensor.name);
    absl::Status status = Invalid("has no place in this architecture");
    if (name && tensor.shape.empty()) status = Invalid("has no dimensions");
    if (name && !tensor.shape.empty()) status = Add(tensor, *name);
    if (!status.ok()) {
      return Invalid(absl::StrCat("tensor '", tensor.name, "': ", status.message()));
    }
  }
  std::sort(listed_.begin(), listed_.end(),
            [](const auto& a, const auto& b) { return a.first.name < b.first.name; });
  for (auto& [tensor, place] : listed_) {
    if (!tensors_.empty() && tensors_.back().name == tensor.name) {
      return Invalid(absl::StrCat("'", tensors_.back().source, "' and '", tensor.source,
                                  "' are both ", tensor.name));
    }
    tensors_.push_back(std::move(tensor));
    places_.push_back(place);
  }
  listed_.clear();
  return absl::OkStatus();
}

absl::Status GgufCheckpoint::Add(const GgufTensor& tensor, TensorName name) {
  switch (name.layout) {
    case TensorLayout::kExperts:
      return AddExperts(tensor, name);
    case TensorLayout::kKeyB:
      return AddKeyValueB(tensor, name);
    case TensorLayout::kValueB:  // with its keys
      if (file_->Find(GgufName(name.layer, "attn_k_b.weight")) != nullptr) return absl::OkStatus();
      return Invalid("stands there without its attn_k_b");
    case TensorLayout::kQueryRows:
    case TensorLayout::kKeyRows:
      if (shape_.permutes_rows()) return AddRows(tensor, name);
      break;
    case TensorLayout::kKeyValueB:
    case TensorLayout::kSame:
      break;
  }
  Add({HuggingFaceName(name.layer, name.stem), tensor.shape, tensor.name, tensor.format->name},
      {&tensor});
  return absl::OkStatus();
}

absl::Status GgufCheckpoint::AddExperts(const GgufTensor& tensor, const TensorName& name) {
  if (tensor.shape.size() != 3 || tensor.shape[0] != shape_.num_experts) {
    return Invalid(absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "] are not the ",
                                shape_.num_experts, " experts of the model"));
  }
  for (int expert = 0; expert < shape_.num_experts; ++expert) {
    Add({HuggingFaceExpertName(name.layer, expert, name.stem),
         {tensor.shape[1], tensor.shape[2]},
         absl::StrCat(tensor.name, "[", expert, "]"),
         tensor.format->name},
        {&tensor, TensorLayout::kExperts, expert});
  }
  return absl::OkStatus();
}

absl::Status GgufCheckpoint::AddKeyValueB(const GgufTensor& keys, const TensorName& name) {
  const GgufTensor* const values = file_->Find(GgufName(name.layer, "attn_v_b.weight"));
  if (values == nullptr) return Invalid("stands there without its attn_v_b");
  const std::vector<int64_t> key_shape = {shape_.num_heads, shape_.kv_lora_rank,
                                          shape_.qk_nope_head_dim};
  const std::vector<int64_t> value_shape = {shape_.num_heads, shape_.v_head_dim,
                                            shape_.kv_lora_rank};
  if (keys.shape != key_shape || values->shape != value_shape) {
    return Invalid(absl::StrCat("must be [", absl::StrJoin(key_shape, ", "), "] and attn_v_b [",
                                absl::StrJoin(value_shape, ", "), "]"));
  }
  std::string dtype = keys.format->name;
  if (keys.format != values->format) absl::StrAppend(&dtype, "+", values->format->name);
  Add({HuggingFaceName(name.layer, name.stem),
       {shape_.num_heads * (shape_.qk_nope_head_dim + shape_.v_head_dim), shape_.kv_lora_rank},
       absl::StrCat(keys.name, " + ", values->name),
       dtype},
      {&keys, TensorLayout::kKeyB, -1, values});
  return absl::OkStatus();
}

// A matrix whose rows, or a vector whose elements, are permuted.
absl::Status GgufCheckpoint::AddRows(const GgufTensor& tensor, const TensorName& name) {
  const int64_t heads =
      name.layout == TensorLayout::kQueryRows ? shape_.num_heads : shape_.num_key_value_heads;
  const bool vector_of_blocks = tensor.shape.size() == 1 && tensor.format->elements > 1;
  if (tensor.shape.size() > 2 || vector_of_blocks || tensor.shape[0] % (2 * heads) != 0) {
    return Invalid(
        absl::StrCat("[", absl::StrJoin(tensor.shape, ", "), "] are no rows of ", heads, " heads"));
  }
  Add({HuggingFaceName(name.layer, name.stem), tensor.shape, tensor.name, tensor.format->name},
      {&tensor, name.layout});
  return absl::OkStatus();
}

absl::Status GgufCheckpoint::Assemble(const CheckpointTensor& tensor, absl::Span<float> out) const {
  const Place& place = places_[IndexOf(tensor)];
  if (place.layout == TensorLayout::kKeyB) return ReadKeyValueB(place, out);
  const bool of_queries = place.layout == TensorLayout::kQueryRows;
  return ReadPermuted(place, of_queries ? shape_.num_heads : shape_.num_key_value_heads, out);
}

// Row 2 i + half of a head in the file is row half * d / 2 + i of the checkpoint.
absl::Status GgufCheckpoint::ReadPermuted(const Place& place, int64_t heads,
                                          absl::Span<float> out) const {
  const int64_t rows = place.tensor->shape[0];
  const int64_t row = static_cast<int64_t>(out.size()) / std::max<int64_t>(rows, 1);
  if (row == 0) return absl::OkStatus();
  std::vector<float> stored(out.size());
  RETURN_IF_ERROR(Dequantize(*place.tensor->format, place.tensor->bytes, absl::MakeSpan(stored)));
  DropPages(place.tensor->bytes);
  const int64_t head_rows = rows / heads;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t head = r / head_rows, half = r % head_rows / (head_rows / 2);
    const int64_t pair = r % (head_rows / 2);
    const int64_t from = head * head_rows + 2 * pair + half;
    std::copy_n(stored.begin() + from * row, row, out.begin() + r * row);
  }
  return absl::OkStatus();
}

absl::Status GgufCheckpoint::ReadKeyValueB(const Place& place, absl::Span<float> out) const {
  const int64_t latent = shape_.kv_lora_rank, nope = shape_.qk_nope_head_dim;
  const int64_t value = shape_.v_head_dim;
  std::vector<float> keys(latent * nope);  // of a head, transposed
  for (int64_t head = 0; head < shape_.num_heads; ++head) {
    const absl::Span<float> rows =
        out.subspan(head * (nope + value) * latent, (nope + value) * latent);
    RETURN_IF_ERROR(ReadRows(*place.tensor, head * latent, latent, absl::MakeSpan(keys)));
    for (int64_t r = 0; r < nope; ++r) {
      for (int64_t c = 0; c < latent; ++c) rows[r * latent + c] = keys[c * nope + r];
    }
    RETURN_IF_ERROR(ReadRows(*place.values, head * value, value, rows.subspan(nope * latent)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenGgufCheckpoint(const std::string& path) {
  return GgufCheckpoint::Open(path);
}

}  // namespace grpo
