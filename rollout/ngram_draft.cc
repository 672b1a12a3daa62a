#include "rollout/ngram_draft.h"

#include <algorithm>

namespace grpo {
namespace {

constexpr int kLongest = 4, kShortest = 2;  // tokens that must stand before a guess

}  // namespace

std::vector<int32_t> NgramDraft(absl::Span<const int32_t> prompt,
                                absl::Span<const int32_t> completion, int count) {
  std::vector<int32_t> tokens(prompt.begin(), prompt.end());
  tokens.insert(tokens.end(), completion.begin(), completion.end());
  const int size = static_cast<int>(tokens.size());
  for (int length = std::min(kLongest, size - 1); length >= kShortest; --length) {
    // The last place, whose continuation is the freshest.
    const auto end = tokens.end() - 1;
    const auto found = std::find_end(tokens.begin(), end, tokens.end() - length, tokens.end());
    if (found == end) continue;
    const auto next = found + length;
    const int known = std::min<int>(std::max(count, 0), tokens.end() - next);
    return std::vector<int32_t>(next, next + known);
  }
  return {};
}

}  // namespace grpo
