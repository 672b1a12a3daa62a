#include "reward/style/characters.h"

#include <utf8proc.h>

#include "data/jinja/unicode_case.h"

namespace grpo {

bool IsLetter(char32_t character) {
  const utf8proc_category_t category = utf8proc_category(character);
  return category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO;
}

bool IsMark(char32_t character) {
  const utf8proc_category_t category = utf8proc_category(character);
  return category >= UTF8PROC_CATEGORY_MN && category <= UTF8PROC_CATEGORY_ME;
}

bool IsWordCharacter(char32_t character) {
  const utf8proc_category_t category = utf8proc_category(character);
  return character == '_' ||
         (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
         (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

bool IsSpace(char32_t character) {
  return IsWhiteSpace(character) || (character >= 0x1C && character <= 0x1F);
}

bool IsUpperCase(char32_t character) {
  return utf8proc_category(character) == UTF8PROC_CATEGORY_LU;
}

bool IsLowerCase(char32_t character) {
  return utf8proc_category(character) == UTF8PROC_CATEGORY_LL;
}

std::string Lower(absl::string_view text) {
  std::string lower;
  lower.reserve(text.size());
  ForEachCharacter(
      text, [&](char32_t character, size_t, size_t) { jinja::AppendLower(character, &lower); });
  return lower;
}

bool IsAllUpper(absl::string_view text) {
  bool upper = false, other = false;
  ForEachCharacter(text, [&](char32_t character, size_t, size_t) {
    upper |= IsUpperCase(character);
    other |= IsLowerCase(character) || utf8proc_category(character) == UTF8PROC_CATEGORY_LT;
  });
  return upper && !other;
}

bool IsAllLower(absl::string_view text) {
  bool lower = false, other = false;
  ForEachCharacter(text, [&](char32_t character, size_t, size_t) {
    lower |= IsLowerCase(character);
    other |= IsUpperCase(character) || utf8proc_category(character) == UTF8PROC_CATEGORY_LT;
  });
  return lower && !other;
}

absl::string_view StripSpace(absl::string_view text) {
  while (!text.empty() && IsSpace(DecodeUtf8(text))) text.remove_prefix(Utf8CharacterSize(text));
  while (!text.empty() && IsSpace(DecodeUtf8(LastCharacter(text)))) {
    text.remove_suffix(LastCharacter(text).size());
  }
  return text;
}

size_t CountWords(absl::string_view text) {
  size_t words = 0;
  bool inside = false;
  ForEachCharacter(text, [&](char32_t character, size_t, size_t) {
    const bool word = IsWordCharacter(character);
    if (word && !inside) ++words;
    inside = word;
  });
  return words;
}

}  // namespace grpo
