#include "reward/safety/word_text.h"

#include <utf8proc.h>

#include "data/utf8.h"
#include "reward/folded_text.h"

namespace grpo {
namespace {

// The last character of not empty UTF-8 text.
bool IsLetterOrDigit(char32_t point) { return IsWordPart(point) && point != '_'; }

// Whether a word goes on over the border between two characters.
bool Joins(char32_t before, char32_t after) {
  return IsWordPart(before) && IsWordPart(after) && !IsUnspacedScript(before) &&
         !IsUnspacedScript(after);
}

}  // namespace

bool IsWordPart(char32_t point) {
  if (point == '_') return true;
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
      return true;
    default:
      return false;
  }
}

bool IsUnspacedScript(char32_t point) {
  return (point >= 0x0E00 && point <= 0x0EFF) || (point >= 0x1000 && point <= 0x109F) ||
         (point >= 0x1780 && point <= 0x17FF) || (point >= 0x3040 && point <= 0x30FF) ||
         (point >= 0x3400 && point <= 0x4DBF) || (point >= 0x4E00 && point <= 0x9FFF) ||
         (point >= 0xF900 && point <= 0xFAFF) || (point >= 0x20000 && point <= 0x3FFFF);
}

bool StandsAlone(absl::string_view text, size_t begin, size_t end) {
  if (begin > 0 &&
      Joins(DecodeUtf8(LastCharacter(text.substr(0, begin))), DecodeUtf8(text.substr(begin)))) {
    return false;
  }
  return end == text.size() ||
         !Joins(DecodeUtf8(LastCharacter(text.substr(0, end))), DecodeUtf8(text.substr(end)));
}

std::string FoldedWords(absl::string_view text) {
  const std::string folded = FoldText(text);
  std::string words;
  bool pending_space = false;
  for (absl::string_view rest = folded; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (IsWordPart(DecodeUtf8(rest))) {
      if (pending_space && !words.empty()) words += ' ';
      words.append(rest.data(), size);
      pending_space = false;
    } else {
      pending_space = true;
    }
    rest.remove_prefix(size);
  }
  return words;
}

std::string Squeezed(absl::string_view text) {
  const std::string folded = FoldText(text);
  std::string squeezed;
  for (absl::string_view rest = folded; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (IsLetterOrDigit(DecodeUtf8(rest))) squeezed.append(rest.data(), size);
    rest.remove_prefix(size);
  }
  return squeezed;
}

std::string Reversed(absl::string_view text) {
  std::string reversed;
  reversed.reserve(text.size());
  while (!text.empty()) {
    const absl::string_view last = LastCharacter(text);
    reversed.append(last.data(), last.size());
    text.remove_suffix(last.size());
  }
  return reversed;
}

}  // namespace grpo
