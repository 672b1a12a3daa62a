// Which bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>
#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// Bytes of the character at the start of `text`, 1 to 4; 0 where it is empty or does not start with
// a valid one.
size_t Utf8CharacterSize(absl::string_view text);

// Bytes of the longest prefix that is valid UTF-8.
size_t ValidUtf8Prefix(absl::string_view text);

// Bytes that one U+FFFD stands for where `text` does not start with a valid character: the longest
// start of a valid character, at least 1 (Unicode's "maximal subpart", which Python's
// errors="replace" uses too). 0 where it is empty.
size_t InvalidUtf8Prefix(absl::string_view text);

// Whether `text`, shorter than a character, could become one by more bytes.
bool IsUtf8Start(absl::string_view text);

// The text with U+FFFD for what is not valid.
std::string ReplaceInvalidUtf8(absl::string_view text);

inline bool IsUtf8(absl::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

// The character at the start of valid, not empty text.
char32_t DecodeUtf8(absl::string_view text);

// The bytes of the last character of valid, not empty text.
absl::string_view LastCharacter(absl::string_view text);

void AppendUtf8(char32_t code_point, std::string* text);

// Unicode's White_Space.
bool IsWhiteSpace(char32_t code_point);

}  // namespace grpo
