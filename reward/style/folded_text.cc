#include "reward/style/folded_text.h"

#include <utf8proc.h>

#include "reward/style/characters.h"
#include "reward/style/script.h"

namespace grpo {
namespace {

constexpr size_t kMaxDecomposed = 32;  // Unicode's longest is 18

// A character that a word of a script with spaces goes on with.
bool IsInnerCharacter(char32_t character) {
  if (IsMark(character)) return true;
  if (!IsWordCharacter(character)) return false;
  switch (ScriptOf(character)) {
    case Script::kHan:
    case Script::kKana:
    case Script::kThai:
    case Script::kLao:
    case Script::kKhmer:
    case Script::kMyanmar:
    case Script::kTibetan:
      return false;
    default:
      return true;
  }
}

bool EndsInside(absl::string_view text) {
  return !text.empty() && IsInnerCharacter(DecodeUtf8(LastCharacter(text)));
}

bool BeginsInside(absl::string_view text) {
  return !text.empty() && IsInnerCharacter(DecodeUtf8(text));
}

}  // namespace

std::string FoldText(absl::string_view text, bool keep_case) {
  const auto options =
      static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_IGNORE |
                                     UTF8PROC_STABLE | (keep_case ? 0 : UTF8PROC_CASEFOLD));
  std::string folded;
  bool space = false;
  ForEachCharacter(text, [&](char32_t character, size_t, size_t) {
    utf8proc_int32_t decomposed[kMaxDecomposed];
    int boundary = 0;
    const utf8proc_ssize_t size = utf8proc_decompose_char(
        static_cast<utf8proc_int32_t>(character), decomposed, kMaxDecomposed, options, &boundary);
    for (utf8proc_ssize_t i = 0; i < size && i < static_cast<int>(kMaxDecomposed); ++i) {
      const char32_t part = static_cast<char32_t>(decomposed[i]);
      if (IsSpace(part)) {
        space = true;
        continue;
      }
      if (space && !folded.empty()) folded.push_back(' ');
      space = false;
      AppendUtf8(part, &folded);
    }
  });
  return folded;
}

size_t CountPhrase(absl::string_view phrase, absl::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(phrase); !phrase.empty() && at != absl::string_view::npos;) {
    const absl::string_view before = text.substr(0, at), after = text.substr(at + phrase.size());
    const bool inside = (EndsInside(before) && BeginsInside(phrase)) ||
                        (EndsInside(phrase) && BeginsInside(after)) ||
                        (!after.empty() && IsMark(DecodeUtf8(after)));
    if (!inside) ++count;
    at = text.find(phrase, inside ? at + 1 : at + phrase.size());
  }
  return count;
}

}  // namespace grpo
