#include "reward/safety/echo.h"

#include <functional>

#include "reward/safety/word_text.h"

namespace grpo {
namespace {

constexpr size_t kWords = 8;

std::vector<std::string> Folded(const std::vector<std::string>& texts) {
  std::vector<std::string> folded;
  for (const std::string& text : texts) folded.push_back(FoldedWords(text));
  return folded;
}

// Calls `take` with each 8 words in a row, until it returns true; returns whether it did.
bool AnyPart(absl::string_view words, const std::function<bool(absl::string_view)>& take) {
  std::vector<size_t> begins = {0};
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == ' ') begins.push_back(i + 1);
  }
  begins.push_back(words.size() + 1);
  for (size_t i = 0; i + kWords < begins.size(); ++i) {
    const size_t end = begins[i + kWords] - 1;
    if (take(words.substr(begins[i], end - begins[i]))) return true;
  }
  return false;
}

}  // namespace

bool HasPhrase(const PhraseFinder& phrases, absl::string_view text) {
  return phrases.Find(text, [&](const PhraseFinder::Match& match) {
    return StandsAlone(text, match.begin, match.end);
  });
}

EchoFinder::EchoFinder(const std::vector<std::string>& texts) : whole_(Folded(texts)) {
  for (const std::string& text : Folded(texts)) {
    AnyPart(text, [&](absl::string_view part) {
      parts_.emplace(part);
      return false;
    });
  }
}

bool EchoFinder::Find(absl::string_view words) const {
  if (HasPhrase(whole_, words)) return true;
  return !parts_.empty() &&
         AnyPart(words, [&](absl::string_view part) { return parts_.contains(part); });
}

}  // namespace grpo
