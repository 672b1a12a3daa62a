// `grpo loss`: what an update would minimise and its gradient, of given completions, as a JSON
// line. The window through which anyone compares this program's learner with another.
#pragma once

#include <istream>
#include <ostream>

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// In: a completion a line,
//   group              any integer; completions of one group stand together and have one prompt
//   prompt, completion lists of token ids
//   reward             from which advantages come, or
//   advantage          itself; all lines have the one or all have the other
//   behavior_logprobs  of each completion token under the policy that sampled it; this one if
//   absent reference_logprobs likewise under the reference, which a divergence needs
// Out: loss, grad_norm and the sums behind them, over `tokens` tokens.
absl::Status RunLoss(const LossOptions& options, std::istream& in, std::ostream& out);

}  // namespace grpo
