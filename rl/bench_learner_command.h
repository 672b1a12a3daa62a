// `grpo bench learner`: how fast the learner is with a policy, as JSON lines.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Random prompts and completions, advantages from a normal distribution. A line for each optimizer
// step, after one that is not measured:
//   seconds, gradient_seconds, optimizer_seconds
//   tokens_per_second   tokens fed, prompts once for each completion, over `seconds`
//   peak_memory_bytes
//   loss, grad_norm
//   roofline            gflops: what a step needs (network_cost.h) over gradient_seconds;
//                       limit_gflops: what the machine does before and after it
//                       (machine_limits.h); share_of_limit
absl::Status RunLearnerBench(const LearnerBenchOptions& options);

}  // namespace grpo
