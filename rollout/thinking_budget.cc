#include "rollout/thinking_budget.h"

#include <string>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace grpo {

absl::StatusOr<ThinkingBudget> ThinkingBudget::Create(const SamplingConfig& config,
                                                      const Tokenizer& tokenizer) {
  ThinkingBudget thinking;
  if (config.thinking_budget == 0) return thinking;
  thinking.budget_ = config.thinking_budget;
  thinking.mark_ = StopStrings({config.thinking_end});
  thinking.mark_tokens_ = tokenizer.Encode(config.thinking_end);
  std::string written;
  for (int32_t token : thinking.mark_tokens_) {
    absl::StrAppend(&written, tokenizer.TokenBytes(token));
  }
  if (!absl::StrContains(written, config.thinking_end)) {
    return absl::InvalidArgumentError(absl::StrCat("thinking_end = \"", config.thinking_end,
                                                   "\": the policy's tokenizer cannot write it"));
  }
  const size_t taken = thinking.budget_ + thinking.mark_tokens_.size();
  if (taken >= static_cast<size_t>(config.max_new_tokens)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "thinking_budget = ", thinking.budget_, " and the ", thinking.mark_tokens_.size(),
        " tokens of thinking_end leave nothing of max_new_tokens = ", config.max_new_tokens,
        " for the answer. Lower thinking_budget or raise max_new_tokens"));
  }
  return thinking;
}

absl::optional<int32_t> ThinkingBudget::ForcedToken(const Progress& progress) const {
  if (!on() || progress.tokens < budget_ || progress.mark.stop_end) return absl::nullopt;
  return mark_tokens_[progress.tokens - budget_];
}

void ThinkingBudget::Add(absl::string_view token_bytes, Progress& progress) const {
  ++progress.tokens;
  mark_.Push(token_bytes, progress.mark);
}

}  // namespace grpo
