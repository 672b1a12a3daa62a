// Where the `tokenizers` package and the libraries here (PCRE2 with Unicode 14, utf8proc) disagree
// about characters. A tokenizer's ids are what a model was trained with, so its view counts.
#pragma once

#include <vector>

namespace grpo {

struct ClassRange {
  const char* name;  // a general category ("Lu"), "Alphabetic" or a script ("Han")
  char32_t first, last;
};

struct CodePointRange {
  char32_t first, last;
};

// Characters that Unicode gained after version 14.
const std::vector<ClassRange>& AddedToClasses();
// Punctuation at which the pre-tokenizer Punctuation does not split.
const std::vector<CodePointRange>& NotPunctuation();
// Marks that the normalizer StripAccents keeps.
const std::vector<CodePointRange>& NotAccents();
// What the normalizers NFC, NFD, NFKC and NFKD pass on as it is.
const std::vector<CodePointRange>& NotNormalized();
// Each is a pair: an upper-case letter (`first`) that Unicode gained after version 14 and its
// lower-case letter.
const std::vector<CodePointRange>& AddedLowercase();

// The range that holds the code point, or nullptr; `ranges` ascend.
const CodePointRange* FindRange(const std::vector<CodePointRange>& ranges, char32_t code_point);

}  // namespace grpo
