// Texts as phrases are looked for in them: without case, width, composition and invisible
// characters, so that "ＰＡＳＳＷＯＲＤ" or a zero-width space inside a word hide nothing.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// Each character of valid UTF-8 by its full case folding and compatibility decomposition, without
// ignorable characters; runs of white space as one space, none at the ends. With `keep_case` the
// case stays. Linear: marks keep their order (canonical reordering is not done).
std::string FoldText(absl::string_view text, bool keep_case);

// Occurrences of folded `phrase` in folded `text` that are not part of a longer word, not
// overlapping. Scripts that write words without spaces have no such limits.
size_t CountPhrase(absl::string_view phrase, absl::string_view text);

}  // namespace grpo
