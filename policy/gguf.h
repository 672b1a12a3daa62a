// GGUF (versions 2 and 3): the file format of llama.cpp. Metadata, a list of tensors, their bytes.
// What others write is checked in full before a byte of it is used; what is written here is the
// same bytes for the same content.
//
//   ASSIGN_OR_RETURN(auto file, GgufReader::Open("model.gguf"));
//   ASSIGN_OR_RETURN(std::string architecture, file->metadata().Text("general.architecture"));
//   for (const GgufTensor& tensor : file->tensors()) …
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

#include "policy/mapped_file.h"
#include "policy/quantized_blocks.h"
#include "policy/streamed_tensor.h"

namespace grpo {

// The format's numbers for the types of values.
enum class GgufType : uint32_t {
  kUint8 = 0,
  kInt8 = 1,
  kUint16 = 2,
  kInt16 = 3,
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9,
  kUint64 = 10,
  kInt64 = 11,
  kFloat64 = 12,
};

const char* GgufTypeName(GgufType type);  // uint32, string, …

// One value, or a list of them. Of the three lists the one that the type needs is filled; a single
// value is a list of one.
struct GgufValue {
  GgufType type = GgufType::kUint32;  // of the elements where it is a list
  bool is_array = false;
  std::vector<int64_t> integers;   // booleans too; a kUint64 above INT64_MAX is its bits
  std::vector<double> reals;       // kFloat32, kFloat64
  std::vector<std::string> texts;  // kString

  static GgufValue Uint32(uint32_t value);
  static GgufValue Float32(double value);
  static GgufValue Bool(bool value);
  static GgufValue String(std::string value);
  static GgufValue Int32Array(std::vector<int64_t> values);
  static GgufValue Float32Array(std::vector<double> values);
  static GgufValue StringArray(std::vector<std::string> values);
};

// Keys with their values, in the order of the file.
class GgufMetadata {
 public:
  // Replaces the value of a key that stands there already.
  void Set(const std::string& key, GgufValue value);
  const GgufValue* Find(absl::string_view key) const;  // nullptr where there is none
  bool Has(absl::string_view key) const { return Find(key) != nullptr; }
  const std::vector<std::pair<std::string, GgufValue>>& entries() const { return entries_; }

  // A single value of any type that fits. kNotFound, or kInvalidArgument with the type that it has.
  absl::StatusOr<int64_t> Integer(absl::string_view key) const;
  absl::StatusOr<double> Real(absl::string_view key) const;
  absl::StatusOr<bool> Flag(absl::string_view key) const;
  absl::StatusOr<std::string> Text(absl::string_view key) const;
  // Lists.
  absl::StatusOr<const std::vector<std::string>*> Texts(absl::string_view key) const;
  absl::StatusOr<const std::vector<int64_t>*> Integers(absl::string_view key) const;
  absl::StatusOr<const std::vector<double>*> Reals(absl::string_view key) const;

 private:
  std::vector<std::pair<std::string, GgufValue>> entries_;
  std::map<std::string, size_t, std::less<>> places_;
};

struct GgufTensor {
  std::string name;
  const BlockFormat* format;
  std::vector<int64_t> shape;  // row-major: the file's dimensions from the last to the first
  absl::Span<const char> bytes;
};

// A file mapped into memory and checked: every count, length and offset within the file, names that
// stand once, known types, rows of whole blocks, tensors that do not overlap. Immutable; safe to
// share among threads. The file must not be cut short while it lives.
class GgufReader {
 public:
  // An error names the file and the key or tensor.
  static absl::StatusOr<std::unique_ptr<GgufReader>> Open(const std::string& path);

  const std::string& path() const { return path_; }
  const GgufMetadata& metadata() const { return metadata_; }
  const std::vector<GgufTensor>& tensors() const { return tensors_; }  // by name
  const GgufTensor* Find(absl::string_view name) const;  // nullptr where there is none

 private:
  GgufReader() = default;

  std::string path_;
  std::unique_ptr<MappedFile> file_;
  GgufMetadata metadata_;
  std::vector<GgufTensor> tensors_;
};

// Writes version 3 in the place of whatever `path` was, in one step. The tensors keep their order.
// kInvalidArgument for equal names, unknown types and rows that are no whole blocks.
absl::Status WriteGguf(const std::string& path, const GgufMetadata& metadata,
                       const std::vector<StreamedTensor>& tensors);

}  // namespace grpo
