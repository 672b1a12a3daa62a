// `grpo eval` with suites: on a policy, tried by themselves, listed, or two results compared.
#pragma once

#include <atomic>

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

absl::Status RunSuites(const CommandLine& command, const std::atomic<bool>& interrupted);

}  // namespace grpo
