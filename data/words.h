// What belongs to words, and the words of a text.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

// Whether a character is part of a word: a letter, a digit, a mark or '_'.
bool IsWordPart(char32_t code_point);

// Whether a character belongs to a script that writes words without spaces between them (Chinese,
// Japanese, Thai, Lao, Khmer, Burmese).
bool IsUnspacedScript(char32_t code_point);

// A part of a word but '_'.
bool IsLetterOrDigit(char32_t code_point);

// The runs of letters, digits and marks in a text, in small letters; a character of an unspaced
// script is a word by itself. Everything else parts words: "Don't \(x^2\)" has the words "don",
// "t", "x" and "2". Bytes that are no UTF-8 part words too.
std::vector<std::string> SplitWords(absl::string_view text);

}  // namespace grpo
