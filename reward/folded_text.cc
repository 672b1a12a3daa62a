#include "reward/folded_text.h"

#include <cstdlib>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include <utf8proc.h>

#include "data/utf8.h"

namespace grpo {
namespace {

// Marks are sorted by a method that takes quadratic time in their number.
constexpr size_t kChunkBytes = 512, kMaxChunkBytes = 1024;

bool IsAscii(char byte) { return static_cast<unsigned char>(byte) < 0x80; }

// Folds text that may hold any character.
std::string FoldWithTables(absl::string_view text, bool keep_case) {
  utf8proc_uint8_t* mapped = nullptr;
  const utf8proc_ssize_t size = utf8proc_map(
      reinterpret_cast<const utf8proc_uint8_t*>(text.data()), text.size(), &mapped,
      static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT | UTF8PROC_COMPOSE |
                                     UTF8PROC_IGNORE | (keep_case ? 0 : UTF8PROC_CASEFOLD)));
  if (size < 0) return std::string(text);
  std::string folded(reinterpret_cast<char*>(mapped), size);
  std::free(mapped);
  return absl::StrReplaceAll(folded, {{"\u2019", "'"}, {"\u2018", "'"}, {"\u02BC", "'"}});
}

// Where the first chunk of text ends: not before a mark, unless there are too many of them.
size_t ChunkSize(absl::string_view text) {
  size_t size = 0;
  while (size < text.size() && size < kMaxChunkBytes) {
    const auto point = static_cast<utf8proc_int32_t>(DecodeUtf8(text.substr(size)));
    if (size >= kChunkBytes && utf8proc_get_property(point)->combining_class == 0) break;
    size += Utf8CharacterSize(text.substr(size));
  }
  return size;
}

}  // namespace

std::string FoldText(absl::string_view text, bool keep_case) {
  std::string valid;
  if (!IsUtf8(text)) {
    valid = ReplaceInvalidUtf8(text);
    text = valid;
  }
  std::string folded;
  folded.reserve(text.size());
  size_t at = 0;
  while (at < text.size()) {
    size_t end = at;
    while (end < text.size() && IsAscii(text[end])) ++end;
    // A mark behind it may join the last letter.
    const size_t plain_end = end < text.size() && end > at ? end - 1 : end;
    const absl::string_view plain = text.substr(at, plain_end - at);
    absl::StrAppend(&folded, keep_case ? std::string(plain) : absl::AsciiStrToLower(plain));
    while (end < text.size() && !IsAscii(text[end])) ++end;
    for (at = plain_end; at < end;) {
      const size_t size = ChunkSize(text.substr(at, end - at));
      absl::StrAppend(&folded, FoldWithTables(text.substr(at, size), keep_case));
      at += size;
    }
  }
  return folded;
}

std::string LowerText(absl::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  while (!text.empty()) {
    const char32_t point = DecodeUtf8(text);
    text.remove_prefix(Utf8CharacterSize(text));
    AppendUtf8(static_cast<char32_t>(utf8proc_tolower(static_cast<utf8proc_int32_t>(point))),
               &lower);
  }
  return lower;
}

}  // namespace grpo
