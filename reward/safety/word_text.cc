#include "reward/safety/word_text.h"

#include "data/utf8.h"
#include "data/words.h"
#include "reward/folded_text.h"

namespace grpo {
namespace {

// Whether a word goes on over the border between two characters.
bool Joins(char32_t before, char32_t after) {
  return IsWordPart(before) && IsWordPart(after) && !IsUnspacedScript(before) &&
         !IsUnspacedScript(after);
}

}  // namespace

bool StandsAlone(absl::string_view text, size_t begin, size_t end) {
  if (begin > 0 &&
      Joins(DecodeUtf8(LastCharacter(text.substr(0, begin))), DecodeUtf8(text.substr(begin)))) {
    return false;
  }
  return end == text.size() ||
         !Joins(DecodeUtf8(LastCharacter(text.substr(0, end))), DecodeUtf8(text.substr(end)));
}

std::string FoldedWords(absl::string_view text) {
  const std::string folded = FoldText(text);
  std::string words;
  bool pending_space = false;
  for (absl::string_view rest = folded; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (IsWordPart(DecodeUtf8(rest))) {
      if (pending_space && !words.empty()) words += ' ';
      words.append(rest.data(), size);
      pending_space = false;
    } else {
      pending_space = true;
    }
    rest.remove_prefix(size);
  }
  return words;
}

std::string Squeezed(absl::string_view text) {
  const std::string folded = FoldText(text);
  std::string squeezed;
  for (absl::string_view rest = folded; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (IsLetterOrDigit(DecodeUtf8(rest))) squeezed.append(rest.data(), size);
    rest.remove_prefix(size);
  }
  return squeezed;
}

std::string Reversed(absl::string_view text) {
  std::string reversed;
  reversed.reserve(text.size());
  while (!text.empty()) {
    const absl::string_view last = LastCharacter(text);
    reversed.append(last.data(), last.size());
    text.remove_suffix(last.size());
  }
  return reversed;
}

}  // namespace grpo
