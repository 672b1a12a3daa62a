#include "policy/safetensors.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/memory/memory.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/file.h"
#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr uint64_t kLengthBytes = 8;
constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the format's own bound
constexpr char kIndexName[] = "model.safetensors.index.json";
constexpr char kFileName[] = "model.safetensors";

absl::Status Invalid(const std::string& where, const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", problem));
}

// A value as it stands in the file, short enough for a message.
std::string Excerpt(const json& value) {
  return QuoteForMessage(value.dump(-1, ' ', /*ensure_ascii=*/true));
}

absl::StatusOr<json> ParseObject(absl::string_view text, const std::string& origin) {
  ASSIGN_OR_RETURN(json object, ParseJson(text, {origin}));
  if (object.is_object()) return object;
  return Invalid(origin, absl::StrCat("expected a JSON object, found ", JsonKind(object)));
}

// The format's little-endian length, whatever the machine.
uint64_t ReadLength(const char* bytes) {
  uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[i]);
  return length;
}

absl::Status ReadShape(const json& value, std::vector<int64_t>& shape) {
  if (!value.is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'shape' must be a list, found ", JsonKind(value)));
  }
  for (const json& extent : value) {
    if (!extent.is_number_unsigned() || extent.get<uint64_t>() > INT64_MAX) {
      return absl::InvalidArgumentError(
          absl::StrCat("'shape' must hold whole numbers from 0 up, found ", Excerpt(extent)));
    }
    shape.push_back(extent.get<int64_t>());
  }
  return absl::OkStatus();
}

// The tensor's span in the data, from `data_offsets`.
absl::StatusOr<absl::Span<const char>> ReadSpan(const json& value, absl::Span<const char> data) {
  if (!value.is_array() || value.size() != 2 || !value[0].is_number_unsigned() ||
      !value[1].is_number_unsigned()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'data_offsets' must be two whole numbers, found ", Excerpt(value)));
  }
  const auto begin = value[0].get<uint64_t>();
  const auto end = value[1].get<uint64_t>();
  if (begin > end || end > data.size()) {
    return absl::InvalidArgumentError(absl::StrCat("'data_offsets' ", Excerpt(value),
                                                   " lie outside the ", data.size(),
                                                   " bytes of data; the file may be cut short"));
  }
  return data.subspan(begin, end - begin);
}

// One entry of the header.
absl::StatusOr<TensorBytes> ReadTensor(const std::string& name, const json& entry,
                                       absl::Span<const char> data) {
  if (!entry.is_object()) {
    return absl::InvalidArgumentError(absl::StrCat("expected an object, found ", JsonKind(entry)));
  }
  for (const char* key : {"dtype", "shape", "data_offsets"}) {
    if (!entry.contains(key))
      return absl::InvalidArgumentError(absl::StrCat("'", key, "' is missing"));
  }
  if (entry.size() != 3) {
    return absl::InvalidArgumentError("only 'dtype', 'shape' and 'data_offsets' may be given");
  }
  TensorBytes tensor;
  tensor.name = name;
  if (!entry["dtype"].is_string()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'dtype' must be a string, found ", Excerpt(entry["dtype"])));
  }
  tensor.dtype = entry["dtype"].get<std::string>();
  RETURN_IF_ERROR(ReadShape(entry["shape"], tensor.shape));
  ASSIGN_OR_RETURN(tensor.bytes, ReadSpan(entry["data_offsets"], data));
  RETURN_IF_ERROR(CheckTensorBytes(tensor));
  return tensor;
}

// Every byte of the data belongs to exactly one tensor.
absl::Status CheckCoverage(std::vector<TensorBytes> tensors, absl::Span<const char> data,
                           const std::string& path) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorBytes& a, const TensorBytes& b) {
    return std::make_pair(a.bytes.data(), a.bytes.size()) <
           std::make_pair(b.bytes.data(), b.bytes.size());
  });
  const char* position = data.data();
  for (const TensorBytes& tensor : tensors) {
    if (tensor.bytes.data() != position) {
      const bool overlap = tensor.bytes.data() < position;
      return Invalid(path, absl::StrCat("tensor '", tensor.name, "' starts at byte ",
                                        tensor.bytes.data() - data.data(), " of the data, which ",
                                        overlap ? "another tensor uses" : "leaves a hole",
                                        ": expected ", position - data.data()));
    }
    position += tensor.bytes.size();
  }
  if (position != data.data() + data.size()) {
    return Invalid(path, absl::StrCat("the last ", data.data() + data.size() - position,
                                      " bytes belong to no tensor"));
  }
  return absl::OkStatus();
}

// Where each tensor lies, according to the index of a folder.
absl::StatusOr<std::map<std::string, std::string>> ReadIndex(const std::string& index_path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(index_path));
  ASSIGN_OR_RETURN(const json index, ParseObject(text, index_path));
  if (!index.contains("weight_map") || !index["weight_map"].is_object() ||
      index["weight_map"].empty()) {
    return Invalid(index_path, "'weight_map' must be an object from tensor names to file names");
  }
  std::map<std::string, std::string> file_of;
  for (const auto& [name, file] : index["weight_map"].items()) {
    const std::string file_name = file.is_string() ? file.get<std::string>() : "";
    if (!absl::EndsWith(file_name, ".safetensors") || absl::StrContains(file_name, '/')) {
      return Invalid(
          index_path,
          absl::StrCat("tensor '", name, "': expected a .safetensors file of the same folder, ",
                       "found ", Excerpt(file)));
    }
    file_of[name] = file_name;
  }
  return file_of;
}

}  // namespace

int ElementSize(absl::string_view dtype) {
  static const auto* const sizes = new std::map<absl::string_view, int>{
      {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E4M3", 1}, {"F8_E5M2", 1},
      {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},
      {"U32", 4},  {"F32", 4}, {"I64", 8}, {"U64", 8},     {"F64", 8},
  };
  const auto found = sizes->find(dtype);
  return found == sizes->end() ? 0 : found->second;
}

absl::StatusOr<int64_t> TensorSize(const std::string& dtype, const std::vector<int64_t>& shape) {
  int64_t size = ElementSize(dtype);
  if (size == 0) return absl::InvalidArgumentError(absl::StrCat("unknown dtype '", dtype, "'"));
  for (const int64_t extent : shape) {
    const std::string text = absl::StrCat(dtype, " [", absl::StrJoin(shape, ", "), "]");
    if (extent < 0) return absl::InvalidArgumentError(absl::StrCat("a negative extent in ", text));
    if (__builtin_mul_overflow(size, extent, &size)) {
      return absl::InvalidArgumentError(absl::StrCat(text, " has too many elements"));
    }
  }
  return size;
}

absl::Status CheckTensorBytes(const TensorBytes& tensor) {
  ASSIGN_OR_RETURN(const int64_t size, TensorSize(tensor.dtype, tensor.shape));
  if (static_cast<uint64_t>(size) == tensor.bytes.size()) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat(tensor.dtype, " [",
                                                 absl::StrJoin(tensor.shape, ", "), "] takes ",
                                                 size, " bytes, found ", tensor.bytes.size()));
}

SafetensorsReader::SafetensorsReader() = default;
SafetensorsReader::~SafetensorsReader() = default;

absl::StatusOr<std::unique_ptr<SafetensorsReader>> SafetensorsReader::Open(
    const std::string& path) {
  auto reader = absl::WrapUnique(new SafetensorsReader);
  const std::string index_path = absl::StrCat(path, "/", kIndexName);
  if (!DirectoryExists(path)) {
    RETURN_IF_ERROR(reader->AddFile(path));
  } else if (FileExists(index_path)) {
    RETURN_IF_ERROR(reader->AddShards(path, index_path));
  } else if (FileExists(absl::StrCat(path, "/", kFileName))) {
    RETURN_IF_ERROR(reader->AddFile(absl::StrCat(path, "/", kFileName)));
  } else {
    return absl::NotFoundError(
        absl::StrCat(path, ": holds neither ", kIndexName, " nor ", kFileName));
  }
  std::sort(reader->tensors_.begin(), reader->tensors_.end(),
            [](const TensorBytes& a, const TensorBytes& b) { return a.name < b.name; });
  return reader;
}

absl::Status SafetensorsReader::AddFile(const std::string& path) {
  ASSIGN_OR_RETURN(auto file, MappedFile::Open(path));
  const absl::Span<const char> bytes = file->bytes();
  if (bytes.size() < kLengthBytes) {
    return Invalid(path, "not a safetensors file: shorter than the 8 bytes of its header's length");
  }
  const uint64_t header_size = ReadLength(bytes.data());
  if (header_size > kMaxHeaderBytes || header_size > bytes.size() - kLengthBytes) {
    return Invalid(
        path, absl::StrCat("not a safetensors file, or cut short: its header claims ", header_size,
                           " bytes and ", bytes.size() - kLengthBytes, " follow"));
  }
  const absl::string_view text(bytes.data() + kLengthBytes, header_size);
  ASSIGN_OR_RETURN(const json header, ParseObject(text, absl::StrCat(path, ": header")));
  const absl::Span<const char> data = bytes.subspan(kLengthBytes + header_size);
  std::vector<TensorBytes> tensors;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") continue;
    absl::StatusOr<TensorBytes> tensor = ReadTensor(name, entry, data);
    if (!tensor.ok()) {
      return Invalid(path, absl::StrCat("tensor '", name, "': ", tensor.status().message()));
    }
    tensors.push_back(*std::move(tensor));
  }
  RETURN_IF_ERROR(CheckCoverage(tensors, data, path));
  files_.push_back(std::move(file));
  for (TensorBytes& tensor : tensors) tensors_.push_back(std::move(tensor));
  return absl::OkStatus();
}

absl::Status SafetensorsReader::AddShards(const std::string& folder,
                                          const std::string& index_path) {
  ASSIGN_OR_RETURN(auto file_of, ReadIndex(index_path));
  std::map<std::string, std::string> shards;  // file name to one tensor that it should hold
  for (const auto& [name, file] : file_of) shards.emplace(file, name);
  for (const auto& shard : shards) {
    const size_t first = tensors_.size();
    RETURN_IF_ERROR(AddFile(absl::StrCat(folder, "/", shard.first)));
    for (size_t i = first; i < tensors_.size(); ++i) {
      const auto found = file_of.find(tensors_[i].name);
      if (found == file_of.end() || found->second != shard.first) {
        return Invalid(index_path, absl::StrCat("tensor '", tensors_[i].name, "' lies in ",
                                                shard.first, ", but the index does not say so"));
      }
      file_of.erase(found);
    }
  }
  if (file_of.empty()) return absl::OkStatus();
  return Invalid(index_path, absl::StrCat("tensor '", file_of.begin()->first, "' should lie in ",
                                          file_of.begin()->second, ", which does not hold it"));
}

const TensorBytes* SafetensorsReader::Find(absl::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const TensorBytes& tensor, absl::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace grpo
