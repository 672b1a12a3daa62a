// Guesses the next tokens of a completion: those that followed the last place where the same few
// tokens stood, in the prompt or in the completion (prompt lookup, as in arXiv 2304.04487). Fed
// behind the last token, they get their logits in one forward; a guess that is not what is drawn
// from the logits before it is dropped with those after it. Each position is drawn with its own
// random number from its own logits, so completions are token for token those without guesses.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace grpo {

// Up to `count` tokens; none where the last two tokens stood nowhere before.
std::vector<int32_t> NgramDraft(absl::Span<const int32_t> prompt,
                                absl::Span<const int32_t> completion, int count);

}  // namespace grpo
