// `grpo sample`: completions of prompts from a file, standard input or a terminal chat.
#pragma once

#include <atomic>

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

absl::Status RunSample(const CommandLine& command, const std::atomic<bool>& interrupted);

}  // namespace grpo
