// The tokenizer and the chat format that come with a checkpoint.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/tokenizer.h"
#include "policy/checkpoint_reader.h"

namespace grpo {

// kNotFound where the checkpoint has no tokenizer.json.
absl::StatusOr<std::shared_ptr<const Tokenizer>> LoadTokenizer(const CheckpointReader& checkpoint);

// `chat_template` as for ChatFormat::Load.
absl::StatusOr<ChatFormat> LoadChatFormat(const CheckpointReader& checkpoint,
                                          const Tokenizer& tokenizer,
                                          const std::string& chat_template = "");

}  // namespace grpo
