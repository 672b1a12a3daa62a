#include "policy/checkpoint_conversion.h"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include <unistd.h>

#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/quantized_blocks.h"
#include "policy/safetensors.h"
#include "policy/tensor_encoding.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;

absl::Status RefuseExisting(const std::string& path) {
  if (!FileExists(path) && !DirectoryExists(path)) return absl::OkStatus();
  return absl::AlreadyExistsError(
      absl::StrCat(path, ": something stands there already; remove it or choose another place"));
}

// transformers' name of a type.
std::string TorchName(const std::string& dtype) {
  if (dtype == "BF16") return "bfloat16";
  return dtype == "F16" ? "float16" : "float32";
}

// config.json says in which type most of the weights are.
std::string WithDtype(const std::string& config_json, const std::vector<StreamedTensor>& tensors) {
  std::map<std::string, int64_t> elements;
  for (const StreamedTensor& tensor : tensors) {
    int64_t count = 1;
    for (const int64_t extent : tensor.shape) count *= extent;
    elements[tensor.dtype] += count;
  }
  std::string most = "F32";
  for (const auto& [dtype, count] : elements) {
    if (count > elements[most]) most = dtype;
  }
  ordered_json config = ordered_json::parse(config_json, nullptr, /*allow_exceptions=*/false);
  config.erase("dtype");
  config["torch_dtype"] = TorchName(most);
  return config.dump(2) + "\n";
}

// What belongs to a model besides its weights.
const std::vector<std::string>& ModelFiles() {
  static const auto* const names = new std::vector<std::string>{"config.json",
                                                                "generation_config.json",
                                                                "tokenizer.json",
                                                                "tokenizer_config.json",
                                                                "special_tokens_map.json",
                                                                "added_tokens.json",
                                                                "vocab.json",
                                                                "merges.txt",
                                                                "tokenizer.model",
                                                                "chat_template.jinja"};
  return *names;
}

// A folder's tensors and files as they are.
absl::StatusOr<FolderPlan> PlanCopy(const std::string& folder) {
  FolderPlan plan;
  for (const std::string& name : ModelFiles()) {
    const std::string path = absl::StrCat(folder, "/", name);
    if (!FileExists(path)) continue;
    ASSIGN_OR_RETURN(std::string text, ReadFile(path));
    plan.files.emplace_back(name, std::move(text));
  }
  ASSIGN_OR_RETURN(std::shared_ptr<SafetensorsReader> file, SafetensorsReader::Open(folder));
  for (const TensorBytes& tensor : file->tensors()) {
    plan.tensors.push_back({tensor.name, tensor.dtype, tensor.shape, tensor.name,
                            [file, bytes = tensor.bytes](ByteSink sink) {
                              return sink(absl::string_view(bytes.data(), bytes.size()));
                            }});
  }
  return plan;
}

absl::Status WriteFolder(const std::string& folder, const FolderPlan& plan) {
  RETURN_IF_ERROR(MakeDirectories(folder));
  for (const auto& [name, text] : plan.files) {
    RETURN_IF_ERROR(WriteFileAtomically(absl::StrCat(folder, "/", name), text));
  }
  return StreamSafetensors(folder + "/model.safetensors", plan.tensors);
}

std::string WithoutSlashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

}  // namespace

absl::Status FolderPlan::Write(const std::string& folder) const {
  const std::string target = WithoutSlashes(folder);
  RETURN_IF_ERROR(RefuseExisting(target));
  const std::string temporary = absl::StrCat(target, ".tmp.", getpid());
  RETURN_IF_ERROR(RemoveTree(temporary));  // left by a killed process that had our number
  absl::Status status = WriteFolder(temporary, *this);
  if (status.ok()) status = RenameDurably(temporary, target);
  if (!status.ok()) RemoveTree(temporary).IgnoreError();
  return status;
}

absl::Status GgufPlan::Write(const std::string& path) const {
  RETURN_IF_ERROR(RefuseExisting(path));
  return WriteGguf(path, metadata, tensors);
}

absl::StatusOr<FolderPlan> PlanFolder(const CheckpointReader& checkpoint,
                                      const ConversionOptions& options) {
  if (options.dtype == "q8_0") {
    return absl::InvalidArgumentError("a Hugging Face folder cannot hold q8_0; GGUF can");
  }
  if (options.dtype == "keep" && DirectoryExists(checkpoint.path())) {
    return PlanCopy(checkpoint.path());
  }
  FolderPlan plan;
  for (const CheckpointTensor& tensor : checkpoint.tensors()) {
    // It only selects experts, and a rounding moves a choice: published files keep it in F32.
    const bool fixed = absl::EndsWith(tensor.name, ".e_score_correction_bias");
    const std::string dtype = fixed ? "F32" : TargetType(options.dtype, tensor.dtype);
    plan.tensors.push_back({tensor.name, dtype, tensor.shape,
                            absl::StrCat(tensor.source, " (", tensor.dtype, ")"),
                            [&checkpoint, &tensor, dtype](ByteSink sink) {
                              return StreamTensor(checkpoint, tensor, dtype, sink);
                            }});
  }
  plan.files = {{"config.json", WithDtype(checkpoint.config_json(), plan.tensors)}};
  for (const auto& [name, text] :
       {std::pair("tokenizer.json", &checkpoint.tokenizer_json()),
        std::pair("tokenizer_config.json", &checkpoint.tokenizer_config_json()),
        std::pair("generation_config.json", &checkpoint.generation_config_json())}) {
    if (!text->empty()) plan.files.emplace_back(name, *text);
  }
  return plan;
}

}  // namespace grpo
