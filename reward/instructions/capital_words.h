// Counts words in capitals as the Penn Treebank's tokenizer cuts words.
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace grpo {

// Words of valid UTF-8 with a letter in upper case and none in lower case. White space, brackets,
// quotes, most punctuation and dashes (--, –, —) end a word; hyphens, slashes and full stops inside
// do not ("WELL-KNOWN" is one, "U.S.A." too); clitics are words of their own ("DON'T" is two:
// DO N'T; "I'M": I 'M). Linear.
size_t CountCapitalWords(absl::string_view text);

}  // namespace grpo
