// Views of a text in which hidden phrases are found.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

// Whether the bytes from `begin` to `end` of UTF-8 text are not a part of longer words. A side
// where the phrase itself has no spaced word needs no border.
bool StandsAlone(absl::string_view text, size_t begin, size_t end);

// The text folded (FoldText), its words alone with one space between them.
std::string FoldedWords(absl::string_view text);

// The text folded, letters and digits alone: "S-E C_R ET" is "secret".
std::string Squeezed(absl::string_view text);

// The characters in reverse order.
std::string Reversed(absl::string_view text);

}  // namespace grpo
