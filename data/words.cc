#include "data/words.h"

#include <utf8proc.h>

#include "data/utf8.h"

namespace grpo {
namespace {

bool BelongsToWord(char32_t character) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(character))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ND:
      return true;
    default:
      return false;
  }
}

// Of scripts written without spaces: kana and Han, with the latter's compatible forms.
bool StandsAlone(char32_t character) {
  return (character >= 0x3040 && character <= 0x30ff) ||
         (character >= 0x3400 && character <= 0x9fff) ||
         (character >= 0xf900 && character <= 0xfaff) ||
         (character >= 0x20000 && character <= 0x3ffff);
}

}  // namespace

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
    const bool alone = StandsAlone(character), belongs = alone || BelongsToWord(character);
    if (alone || !belongs) finish();
    if (belongs) AppendUtf8(utf8proc_tolower(static_cast<utf8proc_int32_t>(character)), &word);
    if (alone) finish();
  }
  finish();
  return words;
}

}  // namespace grpo
