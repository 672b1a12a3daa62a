// What tells languages of one script apart: their most frequent short words and their letters.
#pragma once

#include <vector>

#include "absl/strings/string_view.h"

#include "reward/style/script.h"

namespace grpo {

struct LanguageProfile {
  absl::string_view code;  // ISO 639-1
  absl::string_view name;  // in English
  Script script;           // most of its letters; Japanese has kHan besides kKana
  // Lower-case letters beyond a to z (Latin), or the whole alphabet (Cyrillic, Arabic). Empty where
  // letters tell nothing.
  absl::string_view letters;
  absl::string_view words;  // separated by spaces; empty where the script alone tells the language
};

// The first profile of a script is what a text without evidence is taken for.
const std::vector<LanguageProfile>& LanguageProfiles();

// By code, in any case, a region after '-' or '_' ignored ("zh-cn", "pt_BR"), or by English name;
// nullptr where it is not known.
const LanguageProfile* FindLanguage(absl::string_view code_or_name);

}  // namespace grpo
