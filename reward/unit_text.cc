#include "reward/unit_text.h"

#include <algorithm>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

namespace grpo {
namespace {

constexpr size_t kMaxUnitLength = 40;

constexpr absl::string_view kShortUnits[] = {
    "m",  "g",  "s",  "h",  "l",  "L",  "N",  "J",  "W",  "V",  "A",   "K",   "C",
    "cm", "mm", "km", "kg", "mg", "ms", "ml", "mL", "cl", "dl", "ft",  "in",  "mi",
    "lb", "oz", "kW", "Hz", "Pa", "°",  "°C", "°F", "€",  "£",  "min", "sec", "hr",
};

// Words that change the value or begin another expression.
constexpr absl::string_view kNoUnits[] = {
    "pi",      "hundred",    "thousand", "million", "billion", "trillion", "dozen", "score",
    "half",    "halves",     "third",    "thirds",  "quarter", "quarters", "tenth", "tenths",
    "percent", "hundredths", "sqrt",     "mod",     "and",     "or",       "to",    "plus",
    "minus",   "times",      "squared",  "cubed",   "over",    "not",      "is",
};

bool IsIn(absl::string_view word, const absl::string_view* begin, const absl::string_view* end) {
  return std::find(begin, end, word) != end;
}

bool IsShortUnit(absl::string_view word) {
  return IsIn(word, std::begin(kShortUnits), std::end(kShortUnits));
}

absl::string_view WithoutPower(absl::string_view word) {
  for (const absl::string_view power : {"^{2}", "^{3}", "^2", "^3", "²", "³"}) {
    if (absl::ConsumeSuffix(&word, power)) break;
  }
  return word;
}

bool IsUnitWord(absl::string_view word) {
  word = WithoutPower(word);
  if (IsShortUnit(word)) return true;
  return word.size() >= 2 &&
         std::all_of(word.begin(), word.end(),
                     [](unsigned char c) { return absl::ascii_isalpha(c); }) &&
         !IsIn(absl::AsciiStrToLower(word), std::begin(kNoUnits), std::end(kNoUnits));
}

bool AreUnitWords(const std::vector<absl::string_view>& words) {
  return std::all_of(words.begin(), words.end(), IsUnitWord);
}

bool IsUnitPhrase(absl::string_view phrase) {
  const std::vector<absl::string_view> words = absl::StrSplit(phrase, ' ');
  if (words.size() == 1) {
    const std::vector<absl::string_view> sides = absl::StrSplit(phrase, '/');
    return sides.size() <= 2 && AreUnitWords(sides);
  }
  if (words.size() == 2)
    return (words[0] == "square" || words[0] == "cubic") && IsUnitWord(words[1]);
  return words.size() == 3 && words[1] == "per" && IsUnitWord(words[0]) && IsUnitWord(words[2]);
}

// "km/h" directly behind the digits: known short units only, so that "3x" and "2ab" stay
// expressions.
bool IsAttachedUnit(absl::string_view text) {
  const std::vector<absl::string_view> sides = absl::StrSplit(text, '/');
  return sides.size() <= 2 && std::all_of(sides.begin(), sides.end(), [](absl::string_view side) {
           return IsShortUnit(WithoutPower(side));
         });
}

}  // namespace

bool IsPercent(absl::string_view behind) {
  behind = absl::StripLeadingAsciiWhitespace(behind);
  return behind == "%" || behind == "\\%" || absl::EqualsIgnoreCase(behind, "percent");
}

absl::optional<std::string> ParseUnit(absl::string_view behind) {
  if (behind.size() > kMaxUnitLength) return absl::nullopt;
  const bool attached = !absl::ConsumePrefix(&behind, " ");
  if (behind.empty()) return absl::nullopt;
  if (attached ? !IsAttachedUnit(behind) : !IsUnitPhrase(behind)) return absl::nullopt;
  return std::string(behind);
}

}  // namespace grpo
