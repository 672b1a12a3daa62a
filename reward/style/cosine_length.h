// Rewards that depend on length by a cosine, in opposite directions for right and wrong
// completions: right ones are worth more when short, wrong ones cost less when long.
#pragma once

#include <memory>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

// The defaults follow the paper: a right completion is worth 1 to 2, a wrong one costs up to 10.
struct CosineLengthOptions {
  double correct_short = 2;  // a right completion of no tokens
  double correct_long = 1;   // a right completion at the budget
  double wrong_short = -10;  // a wrong completion of no tokens
  double wrong_long = 0;     // a wrong completion at the budget
  double exceeded = -10;     // a completion that the budget cut off

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("correct_short", correct_short, Range(-1000, 1000), "right, no tokens");
    visit("correct_long", correct_long, Range(-1000, 1000), "right, at the token budget");
    visit("wrong_short", wrong_short, Range(-1000, 1000), "wrong, no tokens");
    visit("wrong_long", wrong_long, Range(-1000, 1000), "wrong, at the token budget");
    visit("exceeded", exceeded, Range(-1000, 1000), "cut off by the token budget");
  }
};

// The cosine reward of Yeo et al. 2025 (arXiv 2502.03373) for a completion of t tokens
// under a budget of T: at_budget + (at_zero - at_budget) · (1 + cos(π t / T)) / 2, with t held
// within 0 and T. `max_tokens` is above 0.
double CosineLength(double at_zero, double at_budget, int num_tokens, int max_tokens);

// The reward of a completion by `correctness`, which says that it is right by a score of at least
// 1; `exceeded` where the completion ran to the budget. What `correctness` calls invalid or an
// error stays so. Invalid where the budget is not above 0. Part: "correct".
std::unique_ptr<Reward> NewCosineLength(const CosineLengthOptions& options,
                                        std::unique_ptr<Reward> correctness);

}  // namespace grpo
