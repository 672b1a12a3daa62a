#include "policy/checkpoint_reader.h"

#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/folder_checkpoint.h"
#include "policy/gguf_checkpoint.h"
#include "policy/mapped_file.h"
#include "policy/quantized_blocks.h"

namespace grpo {
namespace {

// A stretch at a time, whose memory goes back behind it.
absl::Status Convert(const std::string& dtype, absl::Span<const char> bytes,
                     absl::Span<float> out) {
  const BlockFormat* const format = FindBlockFormat(absl::string_view(dtype));
  if (format == nullptr || !CanDequantize(*format)) {
    return absl::InvalidArgumentError(
        absl::StrCat("has the type ", dtype, "; F32, BF16, F16, F8_E4M3 and ggml's quantised ",
                     "types can be read"));
  }
  const size_t blocks = kMappedStretch / format->bytes;
  while (!bytes.empty()) {
    const absl::Span<const char> stretch = bytes.subspan(0, blocks * format->bytes);
    const absl::Span<float> values = out.subspan(0, blocks * format->elements);
    RETURN_IF_ERROR(Dequantize(*format, stretch, values));
    DropPages(stretch);
    bytes.remove_prefix(stretch.size());
    out.remove_prefix(values.size());
  }
  return absl::OkStatus();
}

}  // namespace

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
  if (static_cast<int64_t>(out.size()) == tensor.elements()) {
    const absl::optional<absl::Span<const char>> bytes = Bytes(tensor);
    status = bytes ? Convert(tensor.dtype, *bytes, out) : Assemble(tensor, out);
  }
  if (status.ok()) return status;
  return absl::Status(status.code(),
                      absl::StrCat(path_, ": tensor '", tensor.name, "': ", status.message()));
}

}  // namespace grpo
