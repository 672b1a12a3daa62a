// Says in which language a text is written, by a fixed rule without a model: the script that most
// letters belong to, and within it frequent words (a point each) and letters that a language does
// not have (a quarter of a point off). Good for texts of some lines; a few words can mislead it.
// Linear in the text.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

#include "reward/style/language_profiles.h"

namespace grpo {

// nullptr where the text, valid UTF-8, has no letter of a known script.
const LanguageProfile* DetectLanguage(absl::string_view text);

// Whether the text speaks plainly for another language of the same script than for `wanted`.
bool ContradictsLanguage(absl::string_view text, const LanguageProfile& wanted);

// Letters of the scripts in which the language is written: for Japanese kana and Han.
size_t LettersOf(const LanguageProfile& language, const ScriptHistogram& letters);

}  // namespace grpo
