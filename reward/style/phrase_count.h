// How often a phrase occurs in a text, whatever the case, width, composition and invisible
// characters, so that "ＰＡＳＳＷＯＲＤ" or a zero-width space inside a word hide nothing.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// FoldText with runs of white space as one space, none at the ends.
std::string FoldForPhrases(absl::string_view text, bool keep_case);

// Occurrences of `phrase` in `text`, both so folded, that are not part of a longer word, not
// overlapping. Scripts that write words without spaces have no such limits.
size_t CountPhrase(absl::string_view phrase, absl::string_view text);

}  // namespace grpo
