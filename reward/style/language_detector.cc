#include "reward/style/language_detector.h"

#include <algorithm>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_split.h"

#include "reward/style/characters.h"

namespace grpo {
namespace {

constexpr double kForeignLetterCost = 0.25;
// A span speaks plainly for a language where it leads by so many words…
constexpr double kPlainLead = 3;
// …and by this share of its words.
constexpr double kPlainShare = 0.1;
// A character of these scripts says about as much as two letters.
constexpr double kSyllableWeight = 2;
// Japanese prose has far more kana; a Chinese text that names a Japanese word has less.
constexpr double kJapaneseKanaShare = 0.1;

using ProfileIndices = std::vector<size_t>;

// Which profiles have the word.
const absl::flat_hash_map<std::string, ProfileIndices>& Words() {
  static const auto* const words = [] {
    auto* const index = new absl::flat_hash_map<std::string, ProfileIndices>;
    for (size_t i = 0; i < LanguageProfiles().size(); ++i) {
      for (const absl::string_view word :
           absl::StrSplit(LanguageProfiles()[i].words, ' ', absl::SkipEmpty())) {
        ProfileIndices& profiles = (*index)[std::string(word)];
        if (profiles.empty() || profiles.back() != i) profiles.push_back(i);
      }
    }
    return index;
  }();
  return *words;
}

// Each profile's alphabet.
const std::vector<absl::flat_hash_set<char32_t>>& Alphabets() {
  static const auto* const alphabets = [] {
    auto* const sets = new std::vector<absl::flat_hash_set<char32_t>>;
    for (const LanguageProfile& profile : LanguageProfiles()) {
      sets->emplace_back();
      ForEachCharacter(profile.letters,
                       [&](char32_t letter, size_t, size_t) { sets->back().insert(letter); });
    }
    return sets;
  }();
  return *alphabets;
}

struct Evidence {
  std::vector<double> points;  // of each profile
  size_t words = 0;
};

void AddWords(absl::string_view lower, Evidence* evidence) {
  size_t word_begin = absl::string_view::npos;
  const auto end_word = [&](size_t end) {
    if (word_begin == absl::string_view::npos) return;
    ++evidence->words;
    const auto found = Words().find(lower.substr(word_begin, end - word_begin));
    word_begin = absl::string_view::npos;
    if (found == Words().end()) return;
    for (const size_t profile : found->second) ++evidence->points[profile];
  };
  ForEachCharacter(lower, [&](char32_t character, size_t begin, size_t) {
    if (!IsLetter(character) && !IsMark(character)) return end_word(begin);
    if (word_begin == absl::string_view::npos) word_begin = begin;
  });
  end_word(lower.size());
}

void TakeOffForeignLetters(absl::string_view lower, Evidence* evidence) {
  absl::flat_hash_map<char32_t, size_t> letters;
  ForEachCharacter(lower, [&](char32_t character, size_t, size_t) {
    if (character >= 0x80 && IsLetter(character)) ++letters[character];
  });
  for (const auto& [letter, count] : letters) {
    const Script script = ScriptOf(letter);
    for (size_t i = 0; i < LanguageProfiles().size(); ++i) {
      const LanguageProfile& profile = LanguageProfiles()[i];
      const bool tells = script == Script::kLatin || !profile.letters.empty();
      if (profile.script != script || !tells || Alphabets()[i].contains(letter)) continue;
      evidence->points[i] -= kForeignLetterCost * static_cast<double>(count);
    }
  }
}

Evidence Weigh(absl::string_view text) {
  Evidence evidence;
  evidence.points.assign(LanguageProfiles().size(), 0);
  const std::string lower = Lower(text);
  AddWords(lower, &evidence);
  TakeOffForeignLetters(lower, &evidence);
  return evidence;
}

// The profile of the script with most points; the first of those with equally many.
size_t Best(const Evidence& evidence, Script script) {
  size_t best = LanguageProfiles().size();
  for (size_t i = 0; i < LanguageProfiles().size(); ++i) {
    if (LanguageProfiles()[i].script != script) continue;
    if (best == LanguageProfiles().size() || evidence.points[i] > evidence.points[best]) best = i;
  }
  return best;
}

// The script of most of the text's weight; kOther where it has no letters of a known script.
Script MainScript(const ScriptHistogram& letters) {
  Script best = Script::kOther;
  double best_weight = 0;
  const double east_asian =
      kSyllableWeight * static_cast<double>(letters[Script::kHan] + letters[Script::kKana]);
  for (size_t i = 1; i < kNumScripts; ++i) {
    const Script script = static_cast<Script>(i);
    double weight = static_cast<double>(letters[script]);
    if (script == Script::kHan || script == Script::kKana) weight = east_asian;
    if (script == Script::kHangul) weight *= kSyllableWeight;
    if (weight > best_weight) {
      best = script;
      best_weight = weight;
    }
  }
  if (best != Script::kHan && best != Script::kKana) return best;
  const double kana = static_cast<double>(letters[Script::kKana]);
  return kSyllableWeight * kana >= kJapaneseKanaShare * east_asian ? Script::kKana : Script::kHan;
}

}  // namespace

const LanguageProfile* DetectLanguage(absl::string_view text) {
  const Script script = MainScript(ScriptHistogram(text));
  if (script == Script::kOther) return nullptr;
  const size_t best = Best(Weigh(text), script);
  return best < LanguageProfiles().size() ? &LanguageProfiles()[best] : nullptr;
}

bool ContradictsLanguage(absl::string_view text, const LanguageProfile& wanted) {
  if (wanted.words.empty()) return false;
  const Evidence evidence = Weigh(text);
  const double best = evidence.points[Best(evidence, wanted.script)];
  const double lead = best - evidence.points[&wanted - LanguageProfiles().data()];
  return lead >= kPlainLead && lead >= kPlainShare * static_cast<double>(evidence.words);
}

size_t LettersOf(const LanguageProfile& language, const ScriptHistogram& letters) {
  return letters[language.script] + (language.script == Script::kKana ? letters[Script::kHan] : 0);
}

}  // namespace grpo
