// A GGUF file as a CheckpointReader: its tensors under Hugging Face's names and layouts, its
// metadata as config.json, its embedded tokenizer as tokenizer.json.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "policy/checkpoint_reader.h"

namespace grpo {

absl::StatusOr<std::unique_ptr<CheckpointReader>> OpenGgufCheckpoint(const std::string& path);

}  // namespace grpo
