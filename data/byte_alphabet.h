// The byte alphabet of byte-level tokenizers (GPT-2's): every byte has a printable character, so
// that a file of tokens is text. Printable Latin-1 bytes stand for themselves; the other 68 are
// U+0100 onwards in the order of the bytes, so that a space is "Ġ" (U+0120) and a line feed "Ċ"
// (U+010A).
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// The characters of these bytes, as UTF-8.
std::string ToByteAlphabet(absl::string_view bytes);

// The bytes of these characters; nullopt where one is not of the alphabet.
absl::optional<std::string> FromByteAlphabet(absl::string_view characters);

}  // namespace grpo
