// The bytes of GGUF files, put together by hand: what a writer would never write can be said too.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"

namespace grpo {

inline std::string Number(uint64_t value, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i, value >>= 8) text.push_back(static_cast<char>(value & 0xff));
  return text;
}
inline std::string U32(uint64_t value) { return Number(value, 4); }
inline std::string U64(uint64_t value) { return Number(value, 8); }
inline std::string Str(absl::string_view text) { return absl::StrCat(U64(text.size()), text); }

// Keys with their values.
inline std::string TextKey(absl::string_view key, absl::string_view value) {
  return absl::StrCat(Str(key), U32(8), Str(value));
}
inline std::string U32Key(absl::string_view key, uint32_t value) {
  return absl::StrCat(Str(key), U32(4), U32(value));
}

// The entry of a tensor with these dimensions, the file's first one first.
inline std::string TensorInfo(absl::string_view name, std::initializer_list<uint64_t> dimensions,
                              uint32_t type, uint64_t offset) {
  std::string text = absl::StrCat(Str(name), U32(dimensions.size()));
  for (const uint64_t extent : dimensions) text += U64(extent);
  return absl::StrCat(text, U32(type), U64(offset));
}

inline std::string GgufStart(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
  return absl::StrCat("GGUF", U32(version), U64(tensors), U64(keys));
}

// A header padded to 32 bytes, and the data.
inline std::string WithData(std::string header, absl::string_view data) {
  header.resize((header.size() + 31) / 32 * 32);
  return absl::StrCat(header, data);
}

}  // namespace grpo
