#include "policy/checkpoint_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/folder_checkpoint.h"
#include "policy/gguf_checkpoint.h"

namespace grpo {

int64_t CheckpointTensor::elements() const {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

absl::StatusOr<std::unique_ptr<CheckpointReader>> CheckpointReader::Open(const std::string& path) {
  if (DirectoryExists(path)) return OpenFolderCheckpoint(path);
  if (absl::EndsWith(path, ".gguf")) return OpenGgufCheckpoint(path);
  if (!FileExists(path)) return absl::NotFoundError(absl::StrCat(path, ": there is no such file"));
  return absl::InvalidArgumentError(
      absl::StrCat(path, ": expected a folder with config.json and safetensors, or a .gguf file"));
}

const CheckpointTensor* CheckpointReader::Find(absl::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const CheckpointTensor& tensor, absl::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

absl::Status CheckpointReader::Read(const CheckpointTensor& tensor, absl::Span<float> out) const {
  absl::Status status = absl::InvalidArgumentError("the place for it has another size");
  if (static_cast<int64_t>(out.size()) == tensor.elements()) status = ReadInto(tensor, out);
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(path_, ": tensor '", tensor.name, "': ", status.message()));
}

}  // namespace grpo
