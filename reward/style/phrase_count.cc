#include "reward/style/phrase_count.h"

#include "reward/folded_text.h"
#include "reward/style/characters.h"
#include "reward/style/script.h"

namespace grpo {
namespace {

// A character that a word of a script with spaces goes on with.
bool IsInnerCharacter(char32_t character) {
  if (IsMark(character)) return true;
  if (!IsWordCharacter(character)) return false;
  switch (ScriptOf(character)) {
    case Script::kHan:
    case Script::kKana:
    case Script::kThai:
    case Script::kLao:
    case Script::kKhmer:
    case Script::kMyanmar:
    case Script::kTibetan:
      return false;
    default:
      return true;
  }
}

bool EndsInside(absl::string_view text) {
  return !text.empty() && IsInnerCharacter(DecodeUtf8(LastCharacter(text)));
}

bool BeginsInside(absl::string_view text) {
  return !text.empty() && IsInnerCharacter(DecodeUtf8(text));
}

}  // namespace

std::string FoldForPhrases(absl::string_view text, bool keep_case) {
  const std::string folded = FoldText(text, keep_case);
  std::string squeezed;
  bool space = false;
  ForEachCharacter(folded, [&](char32_t character, size_t, size_t) {
    if (IsSpace(character)) {
      space = true;
      return;
    }
    if (space && !squeezed.empty()) squeezed.push_back(' ');
    space = false;
    AppendUtf8(character, &squeezed);
  });
  return squeezed;
}

size_t CountPhrase(absl::string_view phrase, absl::string_view text) {
  size_t count = 0;
  for (size_t at = text.find(phrase); !phrase.empty() && at != absl::string_view::npos;) {
    const absl::string_view before = text.substr(0, at), after = text.substr(at + phrase.size());
    const bool inside = (EndsInside(before) && BeginsInside(phrase)) ||
                        (EndsInside(phrase) && BeginsInside(after)) ||
                        (!after.empty() && IsMark(DecodeUtf8(after)));
    if (!inside) ++count;
    at = text.find(phrase, inside ? at + 1 : at + phrase.size());
  }
  return count;
}

}  // namespace grpo
