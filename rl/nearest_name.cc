#include "rl/nearest_name.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"

namespace grpo {
namespace {

// Names are short; a longer text is no misspelling of one, and its distance would only cost time.
constexpr size_t kLongestName = 128;
// Shorter beginnings are shared by chance.
constexpr size_t kShortestPrefix = 3;

}  // namespace

int EditDistance(absl::string_view a, absl::string_view b) {
  const std::string first = absl::AsciiStrToLower(a);
  const std::string second = absl::AsciiStrToLower(b);
  const size_t columns = second.size() + 1;
  std::vector<int> two_above(columns), above(columns), row(columns);
  for (size_t j = 0; j < columns; ++j) above[j] = static_cast<int>(j);
  for (size_t i = 1; i <= first.size(); ++i) {
    row[0] = static_cast<int>(i);
    for (size_t j = 1; j < columns; ++j) {
      const int substitution = first[i - 1] == second[j - 1] ? 0 : 1;
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + substitution});
      if (i > 1 && j > 1 && first[i - 1] == second[j - 2] && first[i - 2] == second[j - 1]) {
        row[j] = std::min(row[j], two_above[j - 2] + 1);
      }
    }
    std::swap(two_above, above);
    std::swap(above, row);
  }
  return above[columns - 1];
}

absl::optional<std::string> NearestName(absl::string_view name,
                                        const std::vector<std::string>& candidates) {
  if (name.size() > kLongestName) return absl::nullopt;
  absl::optional<std::string> nearest;
  int nearest_distance = 0;
  for (const std::string& candidate : candidates) {
    const int distance = EditDistance(name, candidate);
    const int letters = static_cast<int>(std::max(name.size(), candidate.size()));
    const bool is_beginning =
        std::min(name.size(), candidate.size()) >= kShortestPrefix &&
        (absl::StartsWith(candidate, name) || absl::StartsWith(name, candidate));
    if (3 * distance > letters + 2 && !is_beginning) continue;
    if (!nearest || distance < nearest_distance) {
      nearest = candidate;
      nearest_distance = distance;
    }
  }
  return nearest;
}

}  // namespace grpo
