// `grpo eval`: pass rates of a policy on the recipe's held-out problems, with intervals.
#pragma once

#include <atomic>

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

absl::Status RunEval(const CommandLine& command, const std::atomic<bool>& interrupted);

}  // namespace grpo
