// Safetensors: eight bytes of header length, a JSON header, the tensors' bytes. What others write
// is checked in full before a byte of it is used; what is written here is the same bytes for the
// same tensors.
//
//   ASSIGN_OR_RETURN(auto weights, SafetensorsReader::Open("policy/"));
//   for (const TensorBytes& tensor : weights->tensors()) …
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "policy/mapped_file.h"
#include "policy/streamed_tensor.h"

namespace grpo {

// A tensor in row-major order, little-endian. The bytes belong to someone else (a reader's mapping,
// a tensor's storage), and in files of others they need not lie at a multiple of the element's
// size: copy, do not cast.
struct TensorBytes {
  std::string name;
  std::string dtype;           // the format's name of it: F32, BF16, I64, …
  std::vector<int64_t> shape;  // empty: one element
  absl::Span<const char> bytes;
};

// Bytes of one element; 0 for a name that the format does not have.
int ElementSize(absl::string_view dtype);

// kInvalidArgument where the type is unknown, or type and shape do not take as many bytes as there
// are.
absl::Status CheckTensorBytes(const TensorBytes& tensor);

// Bytes of a tensor of this type and shape; kInvalidArgument where the type is unknown, an extent
// negative or the product too large.
absl::StatusOr<int64_t> TensorSize(const std::string& dtype, const std::vector<int64_t>& shape);

// One file, or the shards of one checkpoint, mapped into memory and checked: header within bounds,
// known types, shapes that multiply without overflow to the span's size, spans that fill the data
// without holes or overlaps. Immutable; safe to share among threads. The files must not be cut
// short while it lives.
class SafetensorsReader {
 public:
  // A file; or a folder with model.safetensors.index.json and its shards, or else with
  // model.safetensors. An error names the file and the tensor.
  static absl::StatusOr<std::unique_ptr<SafetensorsReader>> Open(const std::string& path);

  ~SafetensorsReader();
  SafetensorsReader(const SafetensorsReader&) = delete;
  SafetensorsReader& operator=(const SafetensorsReader&) = delete;

  const std::vector<TensorBytes>& tensors() const { return tensors_; }  // by name
  const TensorBytes* Find(absl::string_view name) const;  // nullptr where there is none

 private:
  SafetensorsReader();
  absl::Status AddFile(const std::string& path);
  absl::Status AddShards(const std::string& folder, const std::string& index_path);

  std::vector<std::unique_ptr<MappedFile>> files_;
  std::vector<TensorBytes> tensors_;
};

// Writes one file in the place of whatever `path` was, in one step (temporary file, flush, rename).
// Tensors of wide elements come first, then by name: each starts at a multiple of its element's
// size. The order of `tensors` does not matter. kInvalidArgument for equal names, unknown types and
// bytes that do not fit the shape.
absl::Status WriteSafetensors(const std::string& path, std::vector<TensorBytes> tensors);

// The same file from tensors that are made one after the other.
absl::Status StreamSafetensors(const std::string& path, std::vector<StreamedTensor> tensors);

}  // namespace grpo
