// Counts sentences in the manner of Punkt (Kiss and Strunk 2006, "Unsupervised Multilingual
// Sentence Boundary Detection"), with a fixed list of English abbreviations and sentence starters
// in place of statistics of a corpus.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace grpo {

// Sentences of valid UTF-8. One ends at '.', '?' or '!' where white space and more text, or a
// closing or opening mark, follows. A full stop does not end one behind an abbreviation ("Dr.",
// "e.g.") or dots ("…and then... "), unless a frequent sentence starter with a capital follows;
// nor behind an initial ("J. Smith") or a number ("1. one") by the same signs. Linear.
size_t CountSentences(absl::string_view text);

}  // namespace grpo
