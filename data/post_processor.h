// The tokens that go before and after a text: the post_processor of a tokenizer.json.
// TemplateProcessing, ByteLevel (which only concerns places in the text) and Sequence of them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace grpo {

struct TextEnds {
  std::vector<int32_t> before, after;
};

// Reads the value of "post_processor" (null: no ends); `origin` names the file in messages. What is
// not supported is refused by name.
absl::StatusOr<TextEnds> ParsePostProcessor(const nlohmann::json& description,
                                            const std::string& origin);

}  // namespace grpo
