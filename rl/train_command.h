// `grpo train`: a recipe from its file to the summary of the finished run.
#pragma once

#include <atomic>

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// CancelledError when interrupted, after telling how to resume.
absl::Status RunTrain(const CommandLine& command, const std::atomic<bool>& interrupted);

}  // namespace grpo
