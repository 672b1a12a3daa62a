#include "rollout/ngram_draft.h"

#include <algorithm>

namespace grpo {
namespace {

constexpr int kLongest = 4, kShortest = 2;  // tokens that must stand before a guess

}  // namespace

std::vector<int32_t> NgramDraft(absl::Span<const int32_t> prompt,
                                absl::Span<const int32_t> completion, int count) {
  const int size = static_cast<int>(prompt.size() + completion.size());
  const auto token = [&](int i) {
    return i < static_cast<int>(prompt.size()) ? prompt[i] : completion[i - prompt.size()];
  };
  // The longest, and of equally long ones the last place, whose continuation is the freshest.
  int best = kShortest - 1, found = size;
  for (int next = size - 1; next > 0 && best < kLongest; --next) {
    int alike = 0;
    while (alike < std::min(kLongest, next) && token(next - 1 - alike) == token(size - 1 - alike)) {
      ++alike;
    }
    if (alike <= best) continue;
    best = alike;
    found = next;
  }
  std::vector<int32_t> draft;
  for (int i = found; i < size && i < found + count; ++i) draft.push_back(token(i));
  return draft;
}

}  // namespace grpo
