#include "policy/tensor_encoding.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "policy/quantized_blocks.h"

namespace grpo {
namespace {

// Elements that are encoded at a time; whole blocks of every type.
constexpr size_t kChunk = 1 << 18;

}  // namespace

std::string TargetType(const std::string& option, const std::string& dtype) {
  if (option != "keep") return absl::AsciiStrToUpper(option);
  if (dtype == "F32" || dtype == "F16" || dtype == "BF16") return dtype;
  return absl::StartsWith(dtype, "F8_") ? "BF16" : "F32";
}

absl::Status StreamValues(absl::Span<const float> values, const std::string& dtype,
                          const std::string& name, ByteSink sink) {
  const BlockFormat& format = *FindBlockFormat(absl::string_view(dtype));
  std::vector<char> bytes;
  while (!values.empty()) {
    const absl::Span<const float> chunk = values.subspan(0, kChunk);
    bytes.resize(chunk.size() / format.elements * format.bytes);
    const absl::Status status = Quantize(format, chunk, absl::MakeSpan(bytes));
    if (!status.ok()) {
      return absl::Status(status.code(), absl::StrCat("tensor '", name, "': ", status.message()));
    }
    RETURN_IF_ERROR(sink(absl::string_view(bytes.data(), bytes.size())));
    values.remove_prefix(chunk.size());
  }
  return absl::OkStatus();
}

absl::Status StreamTensor(const CheckpointReader& checkpoint, const CheckpointTensor& tensor,
                          const std::string& dtype, ByteSink sink) {
  const absl::optional<absl::Span<const char>> bytes = checkpoint.Bytes(tensor);
  if (bytes && tensor.dtype == dtype) return sink(absl::string_view(bytes->data(), bytes->size()));
  std::vector<float> values(tensor.elements());
  RETURN_IF_ERROR(checkpoint.Read(tensor, absl::MakeSpan(values)));
  return StreamValues(values, dtype, tensor.name, sink);
}

}  // namespace grpo
