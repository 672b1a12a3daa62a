// Ends thinking at a budget: a completion that has taken its budget of tokens without having
// written the mark that ends thinking gets the mark's tokens, one at a time, in place of draws.
//
// All tokens of a completion up to the mark count as thinking, one that opens it included. The mark
// is looked for in the text, so that any way to write it ends thinking.
#pragma once

#include <cstdint>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/tokenizer.h"
#include "rollout/sampling.h"
#include "rollout/stop_strings.h"

namespace grpo {

// Immutable after creation and safe to share among threads; what belongs to one completion is in
// its Progress.
class ThinkingBudget {
 public:
  struct Progress {
    int tokens = 0;  // of the completion so far
    StopStrings::Progress mark;
  };

  ThinkingBudget() = default;  // off: forces nothing
  // Fails where the tokenizer cannot write the mark, or where the budget leaves nothing of
  // max_new_tokens for the answer.
  static absl::StatusOr<ThinkingBudget> Create(const SamplingConfig& config,
                                               const Tokenizer& tokenizer);

  bool on() const { return budget_ > 0; }
  // The token that the completion must go on with; none: it is drawn.
  absl::optional<int32_t> ForcedToken(const Progress& progress) const;
  // Takes the completion's next token, drawn or forced, with its bytes.
  void Add(absl::string_view token_bytes, Progress& progress) const;

 private:
  int budget_ = 0;
  std::vector<int32_t> mark_tokens_;
  StopStrings mark_;
};

}  // namespace grpo
