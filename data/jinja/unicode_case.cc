#include "data/jinja/unicode_case.h"

#include <algorithm>
#include <iterator>

#include "absl/strings/ascii.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

#include "data/jinja/text.h"
#include "data/jinja/unicode_case_tables.h"

namespace grpo::jinja {
namespace {

absl::optional<char32_t> FindRun(absl::Span<const CaseRun> runs, char32_t character) {
  const auto run = std::lower_bound(
      runs.begin(), runs.end(), character,
      [](const CaseRun& candidate, char32_t wanted) { return candidate.last < wanted; });
  if (run == runs.end() || character < run->first) return absl::nullopt;
  if ((character - run->first) % run->stride != 0) return absl::nullopt;
  return static_cast<char32_t>(static_cast<int64_t>(character) + run->delta);
}

const CaseExpansion* FindExpansion(absl::Span<const CaseExpansion> expansions, char32_t character) {
  const auto expansion = std::lower_bound(
      expansions.begin(), expansions.end(), character,
      [](const CaseExpansion& candidate, char32_t wanted) { return candidate.character < wanted; });
  return expansion == expansions.end() || expansion->character != character ? nullptr : &*expansion;
}

// Appends the mapping; false where the tables have none.
bool AppendMapped(absl::Span<const CaseRun> runs, absl::Span<const CaseExpansion> expansions,
                  char32_t character, std::string* text) {
  if (const auto mapped = FindRun(runs, character)) {
    AppendUtf8(*mapped, text);
    return true;
  }
  if (const CaseExpansion* expansion = FindExpansion(expansions, character)) {
    *text += expansion->text;
    return true;
  }
  return false;
}

}  // namespace

void AppendUpper(char32_t character, std::string* text) {
  if (character < 0x80) {
    text->push_back(absl::ascii_toupper(static_cast<unsigned char>(character)));
  } else if (!AppendMapped(kUpperRuns, kUpperExpansions, character, text)) {
    AppendUtf8(character, text);
  }
}

void AppendLower(char32_t character, std::string* text) {
  if (character < 0x80) {
    text->push_back(absl::ascii_tolower(static_cast<unsigned char>(character)));
  } else if (!AppendMapped(kLowerRuns, kLowerExpansions, character, text)) {
    AppendUtf8(character, text);
  }
}

void AppendTitle(char32_t character, std::string* text) {
  if (character < 0x80 || !AppendMapped(kTitleRuns, kTitleExpansions, character, text)) {
    AppendUpper(character, text);
  }
}

bool HasUpper(char32_t character) {
  if (character < 0x80) return absl::ascii_islower(static_cast<unsigned char>(character));
  return FindRun(kUpperRuns, character).has_value() ||
         FindExpansion(kUpperExpansions, character) != nullptr;
}

bool HasLower(char32_t character) {
  if (character < 0x80) return absl::ascii_isupper(static_cast<unsigned char>(character));
  return FindRun(kLowerRuns, character).has_value() ||
         FindExpansion(kLowerExpansions, character) != nullptr;
}

}  // namespace grpo::jinja
