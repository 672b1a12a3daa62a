// `grpo convert`: a model from one file format into another.
#pragma once

#include "absl/status/status.h"

#include "rl/command_line.h"

namespace grpo {

// Reads a Hugging Face folder, a checkpoint of a run or a GGUF file and writes a Hugging Face
// folder or a GGUF file, in one step: where anything fails, nothing stands there. With dry_run it
// prints every tensor (name, shape, type, where it comes from) and writes nothing.
absl::Status RunConvert(const CommandLine& command);

}  // namespace grpo
