#include <algorithm>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "data/file.h"
#include "data/status_macros.h"
#include "policy/safetensors.h"

namespace grpo {
namespace {

// The header's length counts the spaces that bring the data to a multiple of eight bytes.
constexpr size_t kAlignment = 8;

absl::Status CannotWrite(const std::string& path, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("cannot write '", path, "': ", problem));
}

// Names that may stand beside one another, and the size of each tensor.
absl::StatusOr<std::vector<uint64_t>> CheckTensors(const std::vector<StreamedTensor>& tensors,
                                                   const std::string& path) {
  std::vector<absl::string_view> names;
  std::vector<uint64_t> sizes;
  for (const StreamedTensor& tensor : tensors) {
    const absl::StatusOr<int64_t> size = TensorSize(tensor.dtype, tensor.shape);
    if (!size.ok()) {
      return CannotWrite(path,
                         absl::StrCat("tensor '", tensor.name, "': ", size.status().message()));
    }
    if (tensor.name.empty() || tensor.name == "__metadata__") {
      return CannotWrite(path, absl::StrCat("a tensor cannot be named '", tensor.name, "'"));
    }
    names.push_back(tensor.name);
    sizes.push_back(*size);
  }
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return sizes;
  return CannotWrite(path, absl::StrCat("two tensors are named '", *twice, "'"));
}

// Length, JSON and padding, for tensors in the order of their bytes.
std::string Header(const std::vector<StreamedTensor>& tensors, const std::vector<uint64_t>& sizes) {
  // Written entry by entry: an ordered object of nlohmann's looks through all its keys for each.
  std::string json = R"({"__metadata__":{"format":"pt"})";  // "pt": other readers insist on it
  uint64_t offset = 0;
  for (size_t i = 0; i < tensors.size(); ++i) {
    const nlohmann::ordered_json entry = {{"dtype", tensors[i].dtype},
                                          {"shape", tensors[i].shape},
                                          {"data_offsets", {offset, offset + sizes[i]}}};
    absl::StrAppend(&json, ",", nlohmann::json(tensors[i].name).dump(), ":", entry.dump());
    offset += sizes[i];
  }
  json += "}";
  json.resize((json.size() + kAlignment - 1) / kAlignment * kAlignment, ' ');
  std::string bytes;
  for (uint64_t rest = json.size(), i = 0; i < 8; ++i, rest >>= 8)
    bytes.push_back(static_cast<char>(rest & 0xff));
  return bytes + json;
}

}  // namespace

absl::Status StreamSafetensors(const std::string& path, std::vector<StreamedTensor> tensors) {
  std::sort(tensors.begin(), tensors.end(), [](const StreamedTensor& a, const StreamedTensor& b) {
    return std::make_tuple(-ElementSize(a.dtype), absl::string_view(a.name)) <
           std::make_tuple(-ElementSize(b.dtype), absl::string_view(b.name));
  });
  ASSIGN_OR_RETURN(const std::vector<uint64_t> sizes, CheckTensors(tensors, path));
  return WriteFileInOneStep(path, [&](AppendOnlyFile& file) {
    RETURN_IF_ERROR(file.Append(Header(tensors, sizes)));
    for (size_t i = 0; i < tensors.size(); ++i) {
      RETURN_IF_ERROR(AppendTensor(tensors[i], sizes[i], file));
    }
    return absl::OkStatus();
  });
}

absl::Status WriteSafetensors(const std::string& path, std::vector<TensorBytes> tensors) {
  std::vector<StreamedTensor> streamed;
  for (const TensorBytes& tensor : tensors) {
    const absl::Status status = CheckTensorBytes(tensor);
    if (!status.ok()) {
      return CannotWrite(path, absl::StrCat("tensor '", tensor.name, "': ", status.message()));
    }
    streamed.push_back({tensor.name, tensor.dtype, tensor.shape, /*source=*/"",
                        [bytes = tensor.bytes](ByteSink sink) {
                          return sink(absl::string_view(bytes.data(), bytes.size()));
                        }});
  }
  return StreamSafetensors(path, std::move(streamed));
}

}  // namespace grpo
