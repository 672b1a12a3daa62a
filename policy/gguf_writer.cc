#include <bit>
#include <set>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "policy/gguf.h"

namespace grpo {
namespace {

constexpr uint64_t kAlignment = 32;

void AppendNumber(uint64_t value, int bytes, std::string& out) {
  for (int i = 0; i < bytes; ++i, value >>= 8) out.push_back(static_cast<char>(value & 0xff));
}

void AppendText(absl::string_view text, std::string& out) {
  AppendNumber(text.size(), 8, out);
  out.append(text.data(), text.size());
}

void AppendInteger(GgufType type, int64_t value, std::string& out) {
  switch (type) {
    case GgufType::kUint8:
    case GgufType::kInt8:
    case GgufType::kBool:
      return AppendNumber(value, 1, out);
    case GgufType::kUint16:
    case GgufType::kInt16:
      return AppendNumber(value, 2, out);
    case GgufType::kUint32:
    case GgufType::kInt32:
      return AppendNumber(value, 4, out);
    default:
      return AppendNumber(value, 8, out);
  }
}

void AppendValue(const GgufValue& value, std::string& out) {
  if (value.is_array) {
    AppendNumber(static_cast<uint32_t>(GgufType::kArray), 4, out);
    AppendNumber(static_cast<uint32_t>(value.type), 4, out);
    AppendNumber(value.integers.size() + value.reals.size() + value.texts.size(), 8, out);
  } else {
    AppendNumber(static_cast<uint32_t>(value.type), 4, out);
  }
  for (const int64_t integer : value.integers) AppendInteger(value.type, integer, out);
  for (const double real : value.reals) {
    if (value.type == GgufType::kFloat32) {
      AppendNumber(std::bit_cast<uint32_t>(static_cast<float>(real)), 4, out);
    } else {
      AppendNumber(std::bit_cast<uint64_t>(real), 8, out);
    }
  }
  for (const std::string& text : value.texts) AppendText(text, out);
}

absl::StatusOr<uint64_t> SizeOf(const StreamedTensor& tensor, const BlockFormat& format) {
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % format.elements != 0) {
    return absl::InvalidArgumentError(
        absl::StrCat("rows of ", row, " elements are no whole blocks of ", format.elements, ", as ",
                     format.name, " needs"));
  }
  int64_t elements = 1;
  for (const int64_t extent : tensor.shape) {
    if (extent < 0 || __builtin_mul_overflow(elements, extent, &elements)) {
      return absl::InvalidArgumentError("the shape is negative or too large");
    }
  }
  return static_cast<uint64_t>(elements) / format.elements * format.bytes;
}

uint64_t Padded(uint64_t size) { return (size + kAlignment - 1) / kAlignment * kAlignment; }

// The tensors' part of the header, and the size of each.
absl::StatusOr<std::vector<uint64_t>> AppendTensorInfos(const std::vector<StreamedTensor>& tensors,
                                                        std::string& out) {
  std::set<absl::string_view> names;
  std::vector<uint64_t> sizes;
  uint64_t offset = 0;
  for (const StreamedTensor& tensor : tensors) {
    const std::string where = absl::StrCat("tensor '", tensor.name, "': ");
    const BlockFormat* const format = FindBlockFormat(absl::string_view(tensor.dtype));
    if (format == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat(where, "GGUF has no type ", tensor.dtype));
    }
    if (tensor.name.empty() || !names.insert(tensor.name).second) {
      return absl::InvalidArgumentError(where + "the name is empty or stands twice");
    }
    const absl::StatusOr<uint64_t> size = SizeOf(tensor, *format);
    if (!size.ok()) {
      return absl::InvalidArgumentError(absl::StrCat(where, size.status().message()));
    }
    AppendText(tensor.name, out);
    AppendNumber(tensor.shape.size(), 4, out);
    for (auto extent = tensor.shape.rbegin(); extent != tensor.shape.rend(); ++extent) {
      AppendNumber(*extent, 8, out);
    }
    AppendNumber(format->ggml_id, 4, out);
    AppendNumber(offset, 8, out);
    offset += Padded(*size);
    sizes.push_back(*size);
  }
  return sizes;
}

absl::StatusOr<std::vector<uint64_t>> AppendHeader(const GgufMetadata& metadata,
                                                   const std::vector<StreamedTensor>& tensors,
                                                   std::string& out) {
  out += "GGUF";
  AppendNumber(3, 4, out);  // version
  AppendNumber(tensors.size(), 8, out);
  AppendNumber(metadata.entries().size(), 8, out);
  for (const auto& [key, value] : metadata.entries()) {
    AppendText(key, out);
    AppendValue(value, out);
  }
  ASSIGN_OR_RETURN(std::vector<uint64_t> sizes, AppendTensorInfos(tensors, out));
  out.resize(Padded(out.size()));
  return sizes;
}

}  // namespace

absl::Status WriteGguf(const std::string& path, const GgufMetadata& metadata,
                       const std::vector<StreamedTensor>& tensors) {
  std::string header;
  const absl::StatusOr<std::vector<uint64_t>> sizes = AppendHeader(metadata, tensors, header);
  if (!sizes.ok()) {
    return absl::InvalidArgumentError(
        absl::StrCat("cannot write '", path, "': ", sizes.status().message()));
  }
  return WriteFileInOneStep(path, [&](AppendOnlyFile& file) {
    RETURN_IF_ERROR(file.Append(header));
    for (size_t i = 0; i < tensors.size(); ++i) {
      RETURN_IF_ERROR(AppendTensor(tensors[i], (*sizes)[i], file));
      RETURN_IF_ERROR(file.Append(std::string(Padded((*sizes)[i]) - (*sizes)[i], '\0')));
    }
    return absl::OkStatus();
  });
}

}  // namespace grpo
