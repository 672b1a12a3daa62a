// How much better a completion was than others, by name. r_i are the rewards of a group, b those of
// all groups of the step:
//
//   group                  (r_i - mean r) / (std r + 1e-4)  GRPO (arXiv 2402.03300; std with n - 1)
//   group_no_std           r_i - mean r                     Dr. GRPO (arXiv 2503.20783)
//   batch                  (r_i - mean r) / (std b + 1e-4)  ScaleRL (arXiv 2510.13786)
//   leave_one_out          r_i - mean of the others         RLOO (arXiv 2402.14740)
//   max_rl                 (r_i - mean r) / mean r          MaxRL (arXiv 2602.02710; rewards are 0
//                                                           or 1); 0 where mean r <= 0
//   reinforce_pp           r_i, whitened over all tokens    REINFORCE++ (arXiv 2501.03262)
//   reinforce_pp_baseline  r_i - mean r, whitened likewise  the same paper
//
// Whitened: less the mean, over the root of the variance (n - 1) plus 1e-8, where each completion
// counts once for each of its tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace grpo {

// What is known of one completion.
struct Outcome {
  double reward = 0;
  bool valid = true;       // without a usable reward it takes no part, and gets 0
  int64_t num_tokens = 1;  // that are learned from
  // Of each of those tokens, or empty: what is taken from the reward for it, such as a divergence
  // from the reference. reinforce_pp charges a token for itself and what follows, all others charge
  // the completion.
  std::vector<double> token_costs;
};

// Of a completion: one for all its tokens, or one for each.
using Advantage = std::vector<double>;

// advantages[group][completion]. A completion whose group has fewer than two valid ones gets 0,
// where the group is what it is compared with.
std::vector<std::vector<Advantage>> Advantages(const std::string& kind,
                                               const std::vector<std::vector<Outcome>>& groups);

// Whether a group teaches anything: at least two different valid rewards, or, where rewards are not
// compared within the group, a valid one.
bool HasSignal(const std::string& kind, const std::vector<double>& rewards,
               const std::vector<bool>& valid);

}  // namespace grpo
