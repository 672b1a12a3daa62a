// Group-relative advantages: how much better a completion was than its siblings.
//
//   group:        A_i = (r_i - mean r) / (std r + 1e-4), std with n - 1 (DeepSeekMath, arXiv
//   2402.03300,
//                 with TRL's convention for the deviation)
//   group_no_std: A_i = r_i - mean r (Dr. GRPO, arXiv 2503.20783)
#pragma once

#include <string>
#include <vector>

namespace grpo {

// Advantages of one group. Completions without a valid reward take no part and get 0; so does
// everyone in a group whose valid rewards are all equal, or that has fewer than two of them.
std::vector<double> GroupAdvantages(const std::string& kind, const std::vector<double>& rewards,
                                    const std::vector<bool>& valid);

// Whether a group teaches anything: at least two different valid rewards.
bool HasSignal(const std::vector<double>& rewards, const std::vector<bool>& valid);

}  // namespace grpo
