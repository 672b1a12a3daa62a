#include "policy/gguf.h"

#include <algorithm>
#include <bit>
#include <set>

#include "absl/memory/memory.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr int64_t kDefaultAlignment = 32;
constexpr uint64_t kMaxKeyBytes = 65535;  // the format's own bound
constexpr uint32_t kMaxDimensions = 4;

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

// Bytes of a value of this type, a string's at least.
int SmallestSize(GgufType type) {
  static constexpr int kSizes[] = {1, 1, 2, 2, 4, 4, 4, 1, 8, 12, 8, 8, 8};
  return kSizes[static_cast<uint32_t>(type)];
}

std::string Quoted(absl::string_view name) { return absl::StrCat("'", QuoteForMessage(name), "'"); }

// Takes one thing after the other from the front of the file, little-endian.
class Cursor {
 public:
  explicit Cursor(absl::Span<const char> bytes) : bytes_(bytes) {}

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }

  absl::StatusOr<uint64_t> Take(int bytes) {
    if (remaining() < static_cast<uint64_t>(bytes)) {
      return Invalid(absl::StrCat("the file ends at byte ", bytes_.size(),
                                  ", inside its header: it is cut short"));
    }
    uint64_t value = 0;
    for (int i = bytes - 1; i >= 0; --i) {
      value = value << 8 | static_cast<unsigned char>(bytes_[position_ + i]);
    }
    position_ += bytes;
    return value;
  }

  absl::StatusOr<std::string> TakeString(uint64_t longest) {
    ASSIGN_OR_RETURN(const uint64_t size, Take(8));
    if (size > longest || size > remaining()) {
      return Invalid(absl::StrCat("a text at byte ", position_, " claims ", size, " bytes where ",
                                  std::min(longest, remaining()), " may stand"));
    }
    std::string text(bytes_.data() + position_, size);
    position_ += size;
    return text;
  }

 private:
  const absl::Span<const char> bytes_;
  uint64_t position_ = 0;
};

absl::StatusOr<GgufType> TakeType(Cursor& cursor) {
  ASSIGN_OR_RETURN(const uint64_t number, cursor.Take(4));
  if (number <= static_cast<uint64_t>(GgufType::kFloat64)) return static_cast<GgufType>(number);
  return Invalid(absl::StrCat("the type ", number, " is not known"));
}

int64_t SignExtended(uint64_t bits, int bytes) {
  const int unused = 64 - 8 * bytes;
  return static_cast<int64_t>(bits << unused) >> unused;
}

// One value, appended to the lists of `value`.
absl::Status TakeElement(Cursor& cursor, GgufValue& value) {
  if (value.type == GgufType::kString) {
    ASSIGN_OR_RETURN(std::string text, cursor.TakeString(UINT64_MAX));
    value.texts.push_back(std::move(text));
    return absl::OkStatus();
  }
  const int size = SmallestSize(value.type);
  ASSIGN_OR_RETURN(const uint64_t bits, cursor.Take(size));
  switch (value.type) {
    case GgufType::kFloat32:
      value.reals.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      break;
    case GgufType::kFloat64:
      value.reals.push_back(std::bit_cast<double>(bits));
      break;
    case GgufType::kBool:
      if (bits > 1) return Invalid(absl::StrCat("a bool is ", bits));
      [[fallthrough]];
    case GgufType::kUint8:
    case GgufType::kUint16:
    case GgufType::kUint32:
      value.integers.push_back(static_cast<int64_t>(bits));
      break;
    default:
      value.integers.push_back(SignExtended(bits, size));
  }
  return absl::OkStatus();
}

absl::StatusOr<GgufValue> TakeValue(Cursor& cursor) {
  GgufValue value;
  ASSIGN_OR_RETURN(value.type, TakeType(cursor));
  uint64_t count = 1;
  if (value.type == GgufType::kArray) {
    value.is_array = true;
    ASSIGN_OR_RETURN(value.type, TakeType(cursor));
    if (value.type == GgufType::kArray) return Invalid("a list of lists cannot be read");
    ASSIGN_OR_RETURN(count, cursor.Take(8));
    // Looked at before anything is reserved for them.
    if (count > cursor.remaining() / SmallestSize(value.type)) {
      return Invalid(absl::StrCat("a list claims ", count, " elements of type ",
                                  GgufTypeName(value.type), " and ", cursor.remaining(),
                                  " bytes follow"));
    }
  }
  for (uint64_t i = 0; i < count; ++i) RETURN_IF_ERROR(TakeElement(cursor, value));
  return value;
}

absl::Status TakeMetadata(Cursor& cursor, uint64_t count, GgufMetadata& metadata) {
  for (uint64_t i = 0; i < count; ++i) {
    ASSIGN_OR_RETURN(const std::string key, cursor.TakeString(kMaxKeyBytes));
    if (key.empty() || !IsUtf8(key)) {
      return Invalid(absl::StrCat("key ", Quoted(key), ": is empty or not UTF-8"));
    }
    if (metadata.Has(key)) return Invalid(absl::StrCat("key ", Quoted(key), " stands twice"));
    absl::StatusOr<GgufValue> value = TakeValue(cursor);
    if (!value.ok()) {
      return Invalid(absl::StrCat("key ", Quoted(key), ": ", value.status().message()));
    }
    metadata.Set(key, *std::move(value));
  }
  return absl::OkStatus();
}

struct TensorInfo {
  GgufTensor tensor;
  uint64_t offset = 0;  // in the data
  uint64_t size = 0;
};

// Bytes of a tensor: rows of whole blocks, nothing that overflows.
absl::StatusOr<uint64_t> SizeOf(const GgufTensor& tensor) {
  const std::string text =
      absl::StrCat(tensor.format->name, " [", absl::StrJoin(tensor.shape, ", "), "]");
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % tensor.format->elements != 0) {
    return Invalid(absl::StrCat(text, ": rows of ", row, " elements are no whole blocks of ",
                                tensor.format->elements));
  }
  int64_t size = tensor.format->bytes, elements = 1;
  for (size_t i = 0; i < tensor.shape.size(); ++i) {
    const bool last = i + 1 == tensor.shape.size();
    const int64_t blocks = last ? tensor.shape[i] / tensor.format->elements : tensor.shape[i];
    if (__builtin_mul_overflow(size, blocks, &size) ||
        __builtin_mul_overflow(elements, tensor.shape[i], &elements)) {
      return Invalid(absl::StrCat(text, " has too many elements"));
    }
  }
  return static_cast<uint64_t>(size);
}

absl::Status TakeShape(Cursor& cursor, std::vector<int64_t>& shape) {
  ASSIGN_OR_RETURN(const uint64_t dimensions, cursor.Take(4));
  if (dimensions > kMaxDimensions) {
    return Invalid(absl::StrCat("has ", dimensions, " dimensions, more than ", kMaxDimensions));
  }
  for (uint64_t i = 0; i < dimensions; ++i) {
    ASSIGN_OR_RETURN(const uint64_t extent, cursor.Take(8));
    if (extent > INT64_MAX) return Invalid(absl::StrCat("has the extent ", extent));
    shape.insert(shape.begin(), static_cast<int64_t>(extent));
  }
  return absl::OkStatus();
}

absl::Status TakeTensorInfo(Cursor& cursor, TensorInfo& info) {
  RETURN_IF_ERROR(TakeShape(cursor, info.tensor.shape));
  ASSIGN_OR_RETURN(const uint64_t type, cursor.Take(4));
  info.tensor.format = FindBlockFormat(static_cast<uint32_t>(type));
  if (info.tensor.format == nullptr) {
    return Invalid(absl::StrCat("the element type ", type, " is not known"));
  }
  ASSIGN_OR_RETURN(info.offset, cursor.Take(8));
  ASSIGN_OR_RETURN(info.size, SizeOf(info.tensor));
  return absl::OkStatus();
}

absl::StatusOr<std::vector<TensorInfo>> TakeTensorInfos(Cursor& cursor, uint64_t count) {
  std::vector<TensorInfo> infos;
  std::set<std::string> names;
  for (uint64_t i = 0; i < count; ++i) {
    TensorInfo info;
    ASSIGN_OR_RETURN(info.tensor.name, cursor.TakeString(kMaxKeyBytes));
    const std::string where = absl::StrCat("tensor ", Quoted(info.tensor.name));
    if (info.tensor.name.empty() || !IsUtf8(info.tensor.name)) {
      return Invalid(absl::StrCat(where, ": the name is empty or not UTF-8"));
    }
    if (!names.insert(info.tensor.name).second) return Invalid(where + " stands twice");
    const absl::Status status = TakeTensorInfo(cursor, info);
    if (!status.ok()) return Invalid(absl::StrCat(where, ": ", status.message()));
    infos.push_back(std::move(info));
  }
  return infos;
}

absl::StatusOr<uint64_t> AlignmentOf(const GgufMetadata& metadata) {
  if (!metadata.Has("general.alignment")) return kDefaultAlignment;
  ASSIGN_OR_RETURN(const int64_t alignment, metadata.Integer("general.alignment"));
  if (alignment > 0 && alignment <= 1 << 20 && std::has_single_bit<uint64_t>(alignment)) {
    return alignment;
  }
  return Invalid(absl::StrCat("key 'general.alignment': ", alignment,
                              " is no power of two from 1 to ", 1 << 20));
}

// Gives every tensor its bytes: aligned, inside the data, no byte to two of them.
absl::Status PlaceTensors(std::vector<TensorInfo>& infos, absl::Span<const char> data,
                          uint64_t alignment) {
  std::sort(infos.begin(), infos.end(), [](const TensorInfo& a, const TensorInfo& b) {
    return std::make_pair(a.offset, a.size) < std::make_pair(b.offset, b.size);
  });
  uint64_t end = 0;  // of the tensors so far
  for (TensorInfo& info : infos) {
    const std::string where = absl::StrCat("tensor ", Quoted(info.tensor.name), ": ");
    if (info.offset % alignment != 0) {
      return Invalid(absl::StrCat(where, "its offset ", info.offset, " is no multiple of ",
                                  alignment, ", the file's alignment"));
    }
    if (info.offset > data.size() || info.size > data.size() - info.offset) {
      return Invalid(absl::StrCat(where, info.size, " bytes at ", info.offset, " lie outside the ",
                                  data.size(), " bytes of data; the file may be cut short"));
    }
    if (info.offset < end) {
      return Invalid(absl::StrCat(where, "starts at byte ", info.offset,
                                  " of the data, which another tensor uses"));
    }
    end = info.offset + info.size;
    info.tensor.bytes = data.subspan(info.offset, info.size);
  }
  return absl::OkStatus();
}

absl::Status CheckStart(Cursor& cursor) {
  ASSIGN_OR_RETURN(const uint64_t magic, cursor.Take(4));
  if (magic != kMagic) return Invalid("not a GGUF file: it does not begin with GGUF");
  ASSIGN_OR_RETURN(const uint64_t version, cursor.Take(4));
  if ((version & 0xffff) == 0 && version != 0) {
    return Invalid("a big-endian GGUF file, which cannot be read");
  }
  if (version == 2 || version == 3) return absl::OkStatus();
  return Invalid(absl::StrCat("GGUF version ", version, " cannot be read; 2 and 3 can"));
}

absl::Status Parse(absl::Span<const char> bytes, GgufMetadata& metadata,
                   std::vector<TensorInfo>& infos) {
  Cursor cursor(bytes);
  RETURN_IF_ERROR(CheckStart(cursor));
  ASSIGN_OR_RETURN(const uint64_t tensor_count, cursor.Take(8));
  ASSIGN_OR_RETURN(const uint64_t key_count, cursor.Take(8));
  RETURN_IF_ERROR(TakeMetadata(cursor, key_count, metadata));
  ASSIGN_OR_RETURN(infos, TakeTensorInfos(cursor, tensor_count));
  ASSIGN_OR_RETURN(const uint64_t alignment, AlignmentOf(metadata));
  const uint64_t start = (cursor.position() + alignment - 1) / alignment * alignment;
  // A file without tensors may end before the padding.
  const uint64_t clipped = std::min<uint64_t>(start, bytes.size());
  return PlaceTensors(infos, bytes.subspan(clipped), alignment);
}

}  // namespace

absl::StatusOr<std::unique_ptr<GgufReader>> GgufReader::Open(const std::string& path) {
  auto reader = absl::WrapUnique(new GgufReader);
  reader->path_ = path;
  ASSIGN_OR_RETURN(reader->file_, MappedFile::Open(path));
  std::vector<TensorInfo> infos;
  const absl::Status status = Parse(reader->file_->bytes(), reader->metadata_, infos);
  if (!status.ok()) {
    return absl::Status(status.code(), absl::StrCat(path, ": ", status.message()));
  }
  for (TensorInfo& info : infos) reader->tensors_.push_back(std::move(info.tensor));
  std::sort(reader->tensors_.begin(), reader->tensors_.end(),
            [](const GgufTensor& a, const GgufTensor& b) { return a.name < b.name; });
  return reader;
}

const GgufTensor* GgufReader::Find(absl::string_view name) const {
  const auto found = std::lower_bound(
      tensors_.begin(), tensors_.end(), name,
      [](const GgufTensor& tensor, absl::string_view key) { return tensor.name < key; });
  return found != tensors_.end() && found->name == name ? &*found : nullptr;
}

}  // namespace grpo
