// What a long completion costs.
#pragma once

#include <memory>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct LengthOptions {
  double penalty = 1;   // taken off at most
  int free_tokens = 0;  // tokens that cost nothing

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("penalty", penalty, Range(0, 1000), "taken off at most");
    visit("free_tokens", free_tokens, AtLeast(0), "tokens that cost nothing");
  }
};

// DAPO's soft overlong punishment (arXiv 2503.14476, equation 13, with L_max - L_cache =
// free_tokens and L_max the token budget): -penalty · clamp((tokens - free_tokens) / (max_tokens -
// free_tokens), 0, 1); 0 where the budget is not above free_tokens.
std::unique_ptr<Reward> NewLength(const LengthOptions& options);

}  // namespace grpo
