// `grpo score`: the reward checkers alone, over JSON lines.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Reads completions from standard input and writes a verdict on each to standard output, in their
// order (rl/score_record.h says what both look like). A malformed line ends the command, naming it,
// after the verdicts on those before it. With --audit the verdicts are compared with the records'
// "expected", and the counts go to standard error. With --list the rewards and their options are
// written instead.
absl::Status RunScore(const CommandLine& command);

}  // namespace grpo
