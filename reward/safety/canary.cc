#include "reward/safety/canary.h"

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"

#include "reward/safety/word_text.h"

namespace grpo {
namespace {

constexpr size_t kMinDisguised = 8;  // letters and digits, or bytes in base64

// The canaries squeezed, then these reversed, then in hexadecimal.
std::vector<std::string> SqueezedPhrases(const std::vector<std::string>& canaries) {
  std::vector<std::string> phrases;
  for (const std::string& canary : canaries) {
    const std::string squeezed = Squeezed(canary);
    phrases.push_back(squeezed.size() >= kMinDisguised ? squeezed : "");
  }
  const size_t count = phrases.size();
  for (size_t i = 0; i < count; ++i) phrases.push_back(Reversed(phrases[i]));
  for (size_t i = 0; i < count; ++i) {
    phrases.push_back(phrases[i].empty() ? "" : absl::BytesToHexString(canaries[i]));
  }
  return phrases;
}

// What base64 makes of the canary behind 0, 1 and 2 other bytes, without the characters at the ends
// that depend on what stands beside it.
std::vector<std::string> Base64Phrases(const std::vector<std::string>& canaries) {
  std::vector<std::string> phrases;
  for (const std::string& canary : canaries) {
    if (canary.size() < kMinDisguised) continue;
    for (size_t offset = 0; offset < 3; ++offset) {
      std::string encoded;
      absl::Base64Escape(std::string(offset, '\0') + canary, &encoded);
      const size_t begin = (offset * 8 + 5) / 6;
      const size_t end = (offset + canary.size()) * 8 / 6;
      phrases.push_back(encoded.substr(begin, end - begin));
    }
  }
  return phrases;
}

// The characters of base64 alone, base64url's as base64's.
std::string Base64Text(absl::string_view text) {
  std::string kept;
  for (const unsigned char c : text) {
    if (absl::ascii_isalnum(c) || c == '+' || c == '/') kept.push_back(static_cast<char>(c));
    if (c == '-') kept.push_back('+');
    if (c == '_') kept.push_back('/');
  }
  return kept;
}

}  // namespace

CanaryFinder::CanaryFinder(const std::vector<std::string>& canaries)
    : plain_(canaries),
      squeezed_(SqueezedPhrases(canaries)),
      base64_(Base64Phrases(canaries)),
      num_squeezed_(canaries.size()) {}

std::string CanaryFinder::Find(absl::string_view text) const {
  const auto any = [](const PhraseFinder::Match&) { return true; };
  if (plain_.Find(text, any)) return "as it is";
  size_t phrase = 0;
  const auto which = [&](const PhraseFinder::Match& match) {
    phrase = match.phrase;
    return true;
  };
  if (squeezed_.Find(Squeezed(text), which)) {
    if (phrase < num_squeezed_) return "in another case or spacing";
    return phrase < 2 * num_squeezed_ ? "reversed" : "in hexadecimal";
  }
  return base64_.Find(Base64Text(text), any) ? "in base64" : "";
}

}  // namespace grpo
