#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"
#include <unistd.h>

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

// The header's length counts the spaces that bring the data to a multiple of eight bytes.
constexpr size_t kAlignment = 8;

absl::Status CheckTensors(const std::vector<TensorBytes>& tensors, const std::string& path) {
  std::vector<absl::string_view> names;
  for (const TensorBytes& tensor : tensors) {
    const absl::Status status = CheckTensorBytes(tensor);
    if (!status.ok()) {
      return absl::InvalidArgumentError(absl::StrCat("cannot write '", path, "': tensor '",
                                                     tensor.name, "': ", status.message()));
    }
    if (tensor.name.empty() || tensor.name == "__metadata__") {
      return absl::InvalidArgumentError(
          absl::StrCat("cannot write '", path, "': a tensor cannot be named '", tensor.name, "'"));
    }
    names.push_back(tensor.name);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("cannot write '", path, "': two tensors are named '", *twice, "'"));
}

// Length, JSON and padding, for tensors in the order of their bytes.
std::string Header(const std::vector<TensorBytes>& tensors) {
  nlohmann::ordered_json header = {
      {"__metadata__", {{"format", "pt"}}}};  // "pt": other readers insist on it
  uint64_t offset = 0;
  for (const TensorBytes& tensor : tensors) {
    header[tensor.name] = {{"dtype", tensor.dtype},
                           {"shape", tensor.shape},
                           {"data_offsets", {offset, offset + tensor.bytes.size()}}};
    offset += tensor.bytes.size();
  }
  std::string json = header.dump();
  json.resize((json.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string bytes;
  for (uint64_t rest = json.size(), i = 0; i < 8; ++i, rest >>= 8)
    bytes.push_back(static_cast<char>(rest & 0xff));
  return bytes + json;
}

absl::Status WriteAll(const std::string& path, const std::vector<TensorBytes>& tensors) {
  ASSIGN_OR_RETURN(const auto file, AppendOnlyFile::Open(path));
  RETURN_IF_ERROR(file->Append(Header(tensors)));
  for (const TensorBytes& tensor : tensors) {
    RETURN_IF_ERROR(file->Append(absl::string_view(tensor.bytes.data(), tensor.bytes.size())));
  }
  return file->Sync();
}

}  // namespace

absl::Status WriteSafetensors(const std::string& path, std::vector<TensorBytes> tensors) {
  RETURN_IF_ERROR(CheckTensors(tensors, path));
  std::sort(tensors.begin(), tensors.end(), [](const TensorBytes& a, const TensorBytes& b) {
    return std::make_tuple(-ElementSize(a.dtype), absl::string_view(a.name)) <
           std::make_tuple(-ElementSize(b.dtype), absl::string_view(b.name));
  });
  const std::string temporary = absl::StrCat(path, ".tmp.", getpid());
  RETURN_IF_ERROR(RemoveTree(temporary));  // left by a killed process that had our number
  absl::Status status = WriteAll(temporary, tensors);
  if (status.ok()) status = RenameDurably(temporary, path);
  if (!status.ok()) RemoveTree(temporary).IgnoreError();
  return status;
}

}  // namespace grpo
