// Classes, case and edges of characters, as Python's str has them: the reference programs of the
// instruction checkers are written in it. Texts are valid UTF-8.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "data/utf8.h"

namespace grpo {

// Calls visit(character, begin, end) for each character; begin and end are bytes.
template <typename Visit>
void ForEachCharacter(absl::string_view text, Visit visit) {
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = begin + Utf8CharacterSize(text.substr(begin));
    visit(DecodeUtf8(text.substr(begin)), begin, end);
    begin = end;
  }
}

bool IsLetter(char32_t character);         // general categories L
bool IsMark(char32_t character);           // M
bool IsWordCharacter(char32_t character);  // \w: letters, numbers (N), '_'; not marks
bool IsSpace(char32_t character);          // str.isspace(): White_Space and U+001C to U+001F
bool IsUpperCase(char32_t character);      // Lu
bool IsLowerCase(char32_t character);      // Ll

std::string Lower(absl::string_view text);
// str.isupper() and str.islower(): a letter with case, and none of the other case.
bool IsAllUpper(absl::string_view text);
bool IsAllLower(absl::string_view text);

absl::string_view StripSpace(absl::string_view text);  // str.strip()
inline bool IsBlank(absl::string_view text) { return StripSpace(text).empty(); }

// Runs of word characters.
size_t CountWords(absl::string_view text);

}  // namespace grpo
