// A Hugging Face folder as a CheckpointReader: config.json, safetensors, the tokenizer's files.
// Experts fused as transformers fuses them in memory (`experts.gate_up_proj` [E, 2I, D]) are taken
// apart; DeepSeek's block-scaled FP8 is multiplied out.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "policy/checkpoint_reader.h"

namespace grpo {

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenFolderCheckpoint(const std::string& folder);

}  // namespace grpo
