// The values of a GGUF file's keys.
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"
#include "policy/gguf.h"

namespace grpo {
namespace {

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

// The value of a key, checked to be a single one or a list.
absl::StatusOr<const GgufValue*> FindOf(const GgufMetadata& metadata, absl::string_view key,
                                        bool is_array) {
  const GgufValue* const value = metadata.Find(key);
  if (value == nullptr) return absl::NotFoundError(absl::StrCat("the key '", key, "' is missing"));
  if (value->is_array == is_array) return value;
  return Invalid(absl::StrCat("the key '", key, "' must be ", is_array ? "a list" : "one value",
                              ", found ", is_array ? "one value" : "a list"));
}

absl::Status WrongType(absl::string_view key, const char* expected, const GgufValue& found) {
  return Invalid(absl::StrCat("the key '", key, "' must be ", expected, ", found ",
                              found.is_array ? "a list of " : "", GgufTypeName(found.type)));
}

}  // namespace

const char* GgufTypeName(GgufType type) {
  static constexpr const char* kNames[] = {"uint8",  "int8",    "uint16", "int16",  "uint32",
                                           "int32",  "float32", "bool",   "string", "array",
                                           "uint64", "int64",   "float64"};
  return kNames[static_cast<uint32_t>(type)];
}

GgufValue GgufValue::Uint32(uint32_t value) {
  return {GgufType::kUint32, false, {static_cast<int64_t>(value)}, {}, {}};
}
GgufValue GgufValue::Float32(double value) {
  return {GgufType::kFloat32, false, {}, {static_cast<float>(value)}, {}};
}
GgufValue GgufValue::Bool(bool value) { return {GgufType::kBool, false, {value ? 1 : 0}, {}, {}}; }
GgufValue GgufValue::String(std::string value) {
  return {GgufType::kString, false, {}, {}, {std::move(value)}};
}
GgufValue GgufValue::Int32Array(std::vector<int64_t> values) {
  return {GgufType::kInt32, true, std::move(values), {}, {}};
}
GgufValue GgufValue::Float32Array(std::vector<double> values) {
  return {GgufType::kFloat32, true, {}, std::move(values), {}};
}
GgufValue GgufValue::StringArray(std::vector<std::string> values) {
  return {GgufType::kString, true, {}, {}, std::move(values)};
}

void GgufMetadata::Set(const std::string& key, GgufValue value) {
  const auto [place, is_new] = places_.emplace(key, entries_.size());
  if (is_new) {
    entries_.emplace_back(key, std::move(value));
  } else {
    entries_[place->second].second = std::move(value);
  }
}

const GgufValue* GgufMetadata::Find(absl::string_view key) const {
  const auto found = places_.find(key);
  return found == places_.end() ? nullptr : &entries_[found->second].second;
}

absl::StatusOr<int64_t> GgufMetadata::Integer(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/false));
  if (value->integers.empty() || value->type == GgufType::kBool) {
    return WrongType(key, "a whole number", *value);
  }
  if (value->type == GgufType::kUint64 && value->integers[0] < 0) {
    return Invalid(absl::StrCat("the key '", key, "' is too large"));
  }
  return value->integers[0];
}

absl::StatusOr<double> GgufMetadata::Real(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/false));
  if (!value->reals.empty()) return value->reals[0];
  ASSIGN_OR_RETURN(const int64_t integer, Integer(key));
  return static_cast<double>(integer);
}

absl::StatusOr<bool> GgufMetadata::Flag(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/false));
  if (value->type == GgufType::kBool) return value->integers[0] != 0;
  return WrongType(key, "true or false", *value);
}

absl::StatusOr<std::string> GgufMetadata::Text(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/false));
  if (value->type == GgufType::kString) return value->texts[0];
  return WrongType(key, "a text", *value);
}

absl::StatusOr<const std::vector<std::string>*> GgufMetadata::Texts(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/true));
  if (value->type == GgufType::kString) return &value->texts;
  return WrongType(key, "a list of texts", *value);
}

absl::StatusOr<const std::vector<int64_t>*> GgufMetadata::Integers(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/true));
  if (value->reals.empty() && value->texts.empty()) return &value->integers;
  return WrongType(key, "a list of whole numbers", *value);
}

absl::StatusOr<const std::vector<double>*> GgufMetadata::Reals(absl::string_view key) const {
  ASSIGN_OR_RETURN(const GgufValue* value, FindOf(*this, key, /*is_array=*/true));
  if (value->integers.empty() && value->texts.empty()) return &value->reals;
  return WrongType(key, "a list of numbers", *value);
}

}  // namespace grpo
