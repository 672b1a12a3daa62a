// `grpo logprobs`: what a policy thinks of given tokens, as JSON lines. The window through which
// anyone compares this program with another implementation.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Standard input: {"tokens": [ids]} or {"text": "…"} a line. Standard output, in the same order:
//   tokens      the ids
//   logprobs    of each token given those before it; null for the first
//   argmax      the most likely next token after each; of equal ones the lowest id
//   experts     with --experts: [layer][token] the chosen ids, ascending
//   top_logits  with --top-logits K: for each token the K best next ones, [[id, logit], …]
absl::Status RunLogprobs(const CommandLine& command);

}  // namespace grpo
