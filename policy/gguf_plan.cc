// PlanGguf: a checkpoint's tensors in the order, layout and types of a GGUF file.
#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "nlohmann/json.hpp"

#include "data/json.h"
#include "data/status_macros.h"
#include "policy/checkpoint_conversion.h"
#include "policy/gguf_config.h"
#include "policy/gguf_names.h"
#include "policy/gguf_tokenizer.h"
#include "policy/quantized_blocks.h"
#include "policy/tensor_encoding.h"

namespace grpo {
namespace {

using nlohmann::json;

absl::Status Invalid(const std::string& name, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("tensor '", name, "': ", problem));
}

// The rows of a head's halves take turns: row half * d / 2 + i goes to 2 i + half.
void PermuteRows(absl::Span<const float> from, int64_t rows, int64_t heads, absl::Span<float> to) {
  const int64_t row = static_cast<int64_t>(from.size()) / rows, head_rows = rows / heads;
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t half = r % head_rows / (head_rows / 2), pair = r % (head_rows / 2);
    const int64_t target = r / head_rows * head_rows + 2 * pair + half;
    std::copy_n(from.begin() + r * row, row, to.begin() + target * row);
  }
}

// The heads' key rows of kv_b_proj, each head transposed.
std::vector<float> KeysOf(absl::Span<const float> matrix, const ModelShape& shape) {
  const int64_t latent = shape.kv_lora_rank, nope = shape.qk_nope_head_dim;
  std::vector<float> keys;
  keys.reserve(shape.num_heads * latent * nope);
  for (int64_t head = 0; head < shape.num_heads; ++head) {
    const auto rows = matrix.subspan(head * (nope + shape.v_head_dim) * latent);
    for (int64_t c = 0; c < latent; ++c) {
      for (int64_t r = 0; r < nope; ++r) keys.push_back(rows[r * latent + c]);
    }
  }
  return keys;
}

// Their value rows.
std::vector<float> ValuesOf(absl::Span<const float> matrix, const ModelShape& shape) {
  const int64_t latent = shape.kv_lora_rank, nope = shape.qk_nope_head_dim;
  std::vector<float> values;
  for (int64_t head = 0; head < shape.num_heads; ++head) {
    const auto rows = matrix.subspan((head * (nope + shape.v_head_dim) + nope) * latent,
                                     shape.v_head_dim * latent);
    values.insert(values.end(), rows.begin(), rows.end());
  }
  return values;
}

// What it plans outlives it: the functions hold the checkpoint, not the planner.
class GgufPlanner {
 public:
  GgufPlanner(const CheckpointReader& checkpoint, const ConversionOptions& options,
              ModelShape shape, bool tied)
      : checkpoint_(checkpoint), options_(options), shape_(std::move(shape)), tied_(tied) {}

  absl::StatusOr<std::vector<StreamedTensor>> Plan();

 private:
  absl::Status Add(const CheckpointTensor& tensor);
  absl::Status AddRows(const CheckpointTensor& tensor, const TensorName& name);
  absl::Status AddKeyValueB(const CheckpointTensor& tensor, const TensorName& name);
  absl::Status AddExperts();
  // llama.cpp computes with vectors, norms and routers in F32 alone.
  std::string TypeOf(absl::string_view stem, const std::vector<int64_t>& shape,
                     const std::string& dtype) const;
  // Plans one tensor of a layer. `write` gets the type.
  void Add(const TensorName& name, const std::string& stem, std::vector<int64_t> shape,
           const CheckpointTensor& from,
           std::function<absl::Status(const std::string&, ByteSink)> write);

  const CheckpointReader& checkpoint_;
  const ConversionOptions& options_;
  const ModelShape shape_;
  const bool tied_;
  // By layer and name, so that the order does not depend on the source's.
  std::map<std::pair<int, std::string>, StreamedTensor> planned_;
  // Experts of a layer by the name of their stack.
  std::map<std::pair<int, std::string>, std::map<int, const CheckpointTensor*>> experts_;
};

absl::StatusOr<std::vector<StreamedTensor>> GgufPlanner::Plan() {
  for (const CheckpointTensor& tensor : checkpoint_.tensors()) RETURN_IF_ERROR(Add(tensor));
  RETURN_IF_ERROR(AddExperts());
  std::vector<StreamedTensor> tensors;
  for (auto& [place, tensor] : planned_) tensors.push_back(std::move(tensor));
  return tensors;
}

absl::Status GgufPlanner::Add(const CheckpointTensor& tensor) {
  if (tied_ && tensor.name == "lm_head.weight") return absl::OkStatus();  // the embedding again
  if (absl::EndsWith(tensor.name, ".rotary_emb.inv_freq")) return absl::OkStatus();
  int layer;
  absl::string_view stem;
  if (SplitLayer(tensor.name, "model.layers.", &layer, &stem) && layer >= shape_.num_layers) {
    return absl::OkStatus();  // predicts a token further; llama.cpp does not run it
  }
  const absl::optional<TensorName> name = HuggingFaceToGguf(tensor.name);
  if (!name) return Invalid(tensor.name, "has no place in GGUF");
  if (tensor.shape.empty()) return Invalid(tensor.name, "has no dimensions");
  switch (name->layout) {
    case TensorLayout::kExperts:
      experts_[{name->layer, name->stem}][name->expert] = &tensor;
      return absl::OkStatus();
    case TensorLayout::kKeyValueB:
      if (shape_.architecture == "deepseek2") return AddKeyValueB(tensor, *name);
      break;
    case TensorLayout::kQueryRows:
    case TensorLayout::kKeyRows:
      if (shape_.permutes_rows()) return AddRows(tensor, *name);
      break;
    default:
      break;
  }
  Add(*name, name->stem, tensor.shape, tensor,
      [&checkpoint = checkpoint_, &tensor](const auto& dtype, ByteSink sink) {
        return StreamTensor(checkpoint, tensor, dtype, sink);
      });
  return absl::OkStatus();
}

std::string GgufPlanner::TypeOf(absl::string_view stem, const std::vector<int64_t>& shape,
                                const std::string& dtype) const {
  if (shape.size() <= 1 || absl::EndsWith(stem, "_norm.weight") || stem == "ffn_gate_inp.weight" ||
      !absl::EndsWith(stem, ".weight")) {
    return "F32";
  }
  const std::string type = TargetType(options_.dtype, dtype);
  const bool whole = shape.back() % FindBlockFormat(absl::string_view(type))->elements == 0;
  return whole ? type : "F16";  // as llama.cpp's converter falls back
}

void GgufPlanner::Add(const TensorName& name, const std::string& stem, std::vector<int64_t> shape,
                      const CheckpointTensor& from,
                      std::function<absl::Status(const std::string&, ByteSink)> write) {
  const std::string dtype = TypeOf(stem, shape, from.dtype);
  planned_[{name.layer, stem}] = {
      GgufName(name.layer, stem), dtype, std::move(shape),
      absl::StrCat(from.source, " (", from.dtype, ")"),
      [dtype, write = std::move(write)](ByteSink sink) { return write(dtype, sink); }};
}

absl::Status GgufPlanner::AddRows(const CheckpointTensor& tensor, const TensorName& name) {
  const int64_t heads =
      name.layout == TensorLayout::kQueryRows ? shape_.num_heads : shape_.num_key_value_heads;
  const int64_t rows = tensor.shape[0];
  if (tensor.shape.size() > 2 || rows == 0 || heads == 0 || rows % (2 * heads) != 0) {
    return Invalid(tensor.name, absl::StrCat("[", absl::StrJoin(tensor.shape, ", "),
                                             "] are no rows of ", heads, " heads"));
  }
  Add(name, name.stem, tensor.shape, tensor,
      [&checkpoint = checkpoint_, &tensor, rows, heads](const std::string& dtype, ByteSink sink) {
        std::vector<float> values(tensor.elements()), permuted(tensor.elements());
        RETURN_IF_ERROR(checkpoint.Read(tensor, absl::MakeSpan(values)));
        PermuteRows(values, rows, heads, absl::MakeSpan(permuted));
        return StreamValues(permuted, dtype, tensor.name, sink);
      });
  return absl::OkStatus();
}

absl::Status GgufPlanner::AddKeyValueB(const CheckpointTensor& tensor, const TensorName& name) {
  const int64_t rows = shape_.num_heads * (shape_.qk_nope_head_dim + shape_.v_head_dim);
  if (tensor.shape != std::vector<int64_t>{rows, shape_.kv_lora_rank}) {
    return Invalid(tensor.name,
                   absl::StrCat("config.json makes it [", rows, ", ", shape_.kv_lora_rank, "]"));
  }
  const auto part = [this, &tensor](auto take) {
    return [&checkpoint = checkpoint_, shape = shape_, &tensor, take](const std::string& dtype,
                                                                      ByteSink sink) {
      std::vector<float> matrix(tensor.elements());
      RETURN_IF_ERROR(checkpoint.Read(tensor, absl::MakeSpan(matrix)));
      return StreamValues(take(matrix, shape), dtype, tensor.name, sink);
    };
  };
  Add(name, "attn_k_b.weight", {shape_.num_heads, shape_.kv_lora_rank, shape_.qk_nope_head_dim},
      tensor, part(KeysOf));
  Add(name, "attn_v_b.weight", {shape_.num_heads, shape_.v_head_dim, shape_.kv_lora_rank}, tensor,
      part(ValuesOf));
  return absl::OkStatus();
}

absl::Status GgufPlanner::AddExperts() {
  for (const auto& [place, experts] : experts_) {
    const auto& [layer, stem] = place;
    const CheckpointTensor& first = *experts.begin()->second;
    const auto count = static_cast<int64_t>(experts.size());
    // The map is sorted: the last number says whether one is missing.
    if (count != shape_.num_experts || experts.rbegin()->first != count - 1) {
      return Invalid(first.name, absl::StrCat("the layer has ", count, " of ", shape_.num_experts,
                                              " such experts"));
    }
    std::vector<const CheckpointTensor*> stack;
    for (const auto& [number, tensor] : experts) {
      if (tensor->shape != first.shape || tensor->shape.size() != 2) {
        return Invalid(tensor->name, "has another shape than the first expert");
      }
      stack.push_back(tensor);
    }
    TensorName name;
    name.layer = layer;
    Add(name, stem, {count, first.shape[0], first.shape[1]}, first,
        [&checkpoint = checkpoint_, stack](const std::string& dtype, ByteSink sink) {
          for (const CheckpointTensor* tensor : stack) {
            RETURN_IF_ERROR(StreamTensor(checkpoint, *tensor, dtype, sink));
          }
          return absl::OkStatus();
        });
    planned_[place].source =
        absl::StrCat(first.source, " to ", stack.back()->source, " (", first.dtype, ")");
  }
  return absl::OkStatus();
}

// llama.cpp's number for "most matrices are of this type".
int64_t FileType(const std::vector<StreamedTensor>& tensors) {
  std::map<std::string, int64_t> elements;
  for (const StreamedTensor& tensor : tensors) {
    int64_t count = 1;
    for (const int64_t extent : tensor.shape) count *= extent;
    if (tensor.shape.size() > 1) elements[tensor.dtype] += count;
  }
  std::string most = "F32";
  for (const auto& [dtype, count] : elements) {
    if (count > elements[most]) most = dtype;
  }
  if (most == "F16") return 1;
  if (most == "Q8_0") return 7;
  return most == "BF16" ? 32 : 0;
}

absl::StatusOr<json> ParseOrNull(const std::string& text, const char* name) {
  if (text.empty()) return json();
  return ParseJson(text, {name});
}

absl::Status AddTokenizer(const CheckpointReader& checkpoint, const json& config,
                          const ConversionOptions& options, GgufMetadata& metadata) {
  if (checkpoint.tokenizer_json().empty()) return absl::OkStatus();
  TokenizerContext context;
  context.config = config;
  context.pre = options.pre;
  ASSIGN_OR_RETURN(context.tokenizer_config,
                   ParseOrNull(checkpoint.tokenizer_config_json(), "tokenizer_config.json"));
  ASSIGN_OR_RETURN(context.generation_config,
                   ParseOrNull(checkpoint.generation_config_json(), "generation_config.json"));
  return GgufFromTokenizer(checkpoint.tokenizer_json(), context, metadata);
}

absl::StatusOr<GgufPlan> Plan(const CheckpointReader& checkpoint,
                              const ConversionOptions& options) {
  ASSIGN_OR_RETURN(const json config, ParseJson(checkpoint.config_json(), {"config.json"}));
  ASSIGN_OR_RETURN(GgufConfig gguf, GgufFromConfig(config));
  const bool tied = config.contains("tie_word_embeddings") && config["tie_word_embeddings"] == true;
  GgufPlanner planner(checkpoint, options, gguf.shape, tied);
  GgufPlan plan;
  ASSIGN_OR_RETURN(plan.tensors, planner.Plan());
  for (StreamedTensor& tensor : gguf.tensors) {
    plan.tensors.insert(plan.tensors.begin(), std::move(tensor));
  }
  plan.metadata.Set("general.architecture", GgufValue::String(gguf.shape.architecture));
  plan.metadata.Set("general.type", GgufValue::String("model"));
  if (!options.name.empty()) {
    plan.metadata.Set("general.name", GgufValue::String(options.name));
  }
  for (const auto& [key, value] : gguf.metadata.entries()) plan.metadata.Set(key, value);
  plan.metadata.Set("general.file_type",
                    GgufValue::Uint32(static_cast<uint32_t>(FileType(plan.tensors))));
  plan.metadata.Set("general.quantization_version", GgufValue::Uint32(2));
  RETURN_IF_ERROR(AddTokenizer(checkpoint, config, options, plan.metadata));
  return plan;
}

}  // namespace

absl::StatusOr<GgufPlan> PlanGguf(const CheckpointReader& checkpoint,
                                  const ConversionOptions& options) {
  absl::StatusOr<GgufPlan> plan = Plan(checkpoint, options);
  if (plan.ok()) return plan;
  return absl::Status(plan.status().code(),
                      absl::StrCat(checkpoint.path(), ": ", plan.status().message()));
}

}  // namespace grpo
