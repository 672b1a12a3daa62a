#include "data/words.h"

#include <utf8proc.h>

#include "data/utf8.h"

namespace grpo {

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

bool IsLetterOrDigit(char32_t point) { return IsWordPart(point) && point != '_'; }

std::vector<std::string> SplitWords(absl::string_view text) {
  std::vector<std::string> words;
  std::string word;
  const auto finish = [&] {
    if (!word.empty()) words.push_back(std::move(word));
    word.clear();
  };
  while (!text.empty()) {
    const size_t size = Utf8CharacterSize(text);
    const char32_t character = size == 0 ? U' ' : DecodeUtf8(text);
    text.remove_prefix(size == 0 ? 1 : size);
    const bool belongs = IsLetterOrDigit(character), alone = belongs && IsUnspacedScript(character);
    if (alone || !belongs) finish();
    if (belongs) AppendUtf8(utf8proc_tolower(static_cast<utf8proc_int32_t>(character)), &word);
    if (alone) finish();
  }
  finish();
  return words;
}

}  // namespace grpo
