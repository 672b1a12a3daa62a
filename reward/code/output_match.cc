#include "reward/code/output_match.h"

#include <cmath>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"

namespace grpo {
namespace {

std::vector<absl::string_view> Words(absl::string_view text) {
  return absl::StrSplit(text, absl::ByAnyChar(" \t\r\n\v\f"), absl::SkipEmpty());
}

bool IsDecimal(absl::string_view word, double* number) {
  return word.find_first_not_of("+-.0123456789eE") == absl::string_view::npos &&
         absl::SimpleAtod(word, number) && std::isfinite(*number);
}

bool WordsEqual(absl::string_view expected, absl::string_view found, double tolerance) {
  if (expected == found) return true;
  double wanted, given;
  if (tolerance <= 0 || !IsDecimal(expected, &wanted) || !IsDecimal(found, &given)) return false;
  return std::abs(wanted - given) <= tolerance * std::max(1.0, std::abs(wanted));
}

bool AllWordsEqual(absl::string_view expected, absl::string_view found, double tolerance) {
  const auto wanted = Words(expected), given = Words(found);
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (!WordsEqual(wanted[i], given[i], tolerance)) return false;
  }
  return true;
}

std::vector<absl::string_view> Lines(absl::string_view text) {
  std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  for (absl::string_view& line : lines) line = absl::StripTrailingAsciiWhitespace(line);
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

}  // namespace

bool OutputMatches(absl::string_view expected, absl::string_view found, OutputRule rule,
                   double tolerance) {
  if (rule == OutputRule::kExact) return expected == found;
  if (rule == OutputRule::kTokens) return AllWordsEqual(expected, found, tolerance);
  const auto wanted = Lines(expected), given = Lines(found);
  if (wanted.size() != given.size()) return false;
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == given[i]) continue;
    if (tolerance <= 0 || !AllWordsEqual(wanted[i], given[i], tolerance)) return false;
  }
  return true;
}

}  // namespace grpo
