// `grpo score`: the reward checkers alone, over JSON lines.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Reads {"prompt", "answer", "completion"} records from standard input, writes each back with
// "reward", "state", "correct" and every checker's verdict. A malformed line ends the command,
// naming it.
absl::Status RunScore(const CommandLine& command);

}  // namespace grpo
