// Words, for comparing what two texts say.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

// The runs of letters, digits and marks in a text, in small letters; a Chinese character or a
// Japanese one is a word by itself. Everything else parts words: "Don't \(x^2\)" has the words
// "don", "t", "x" and "2". Bytes that are no UTF-8 part words too.
std::vector<std::string> SplitWords(absl::string_view text);

}  // namespace grpo
