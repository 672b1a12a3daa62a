// A tokenizer: embedded in a GGUF file on one side, Hugging Face's tokenizer.json with its
// companions on the other. Byte-level byte-pair encoding (`gpt2` in GGUF) and SentencePiece's
// (`llama`).
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "policy/gguf.h"

namespace grpo {

// Texts of JSON files; empty where the file embeds no tokenizer.
struct HuggingFaceTokenizer {
  std::string tokenizer_json;
  std::string tokenizer_config_json;  // special tokens by name, chat template
  std::string generation_config_json;
};

// A pre-tokenizer or model that is not known is refused by name. GGUF says nothing of normalizers:
// the text of a model whose tokenizer.json normalises (Qwen2: NFC) is taken as it is, as llama.cpp
// takes it.
absl::StatusOr<HuggingFaceTokenizer> TokenizerFromGguf(const GgufMetadata& metadata);

// What GgufFromTokenizer reads besides tokenizer.json.
struct TokenizerContext {
  nlohmann::json config;             // config.json: vocab_size, ids of special tokens
  nlohmann::json tokenizer_config;   // null where there is none
  nlohmann::json generation_config;  // likewise
  std::string pre;                   // llama.cpp's name of the pre-tokenizer; empty: find it
};

// Adds the keys `tokenizer.*` to the metadata. kInvalidArgument where llama.cpp has no
// pre-tokenizer that cuts text as this tokenizer does and none is named.
absl::Status GgufFromTokenizer(absl::string_view tokenizer_json, const TokenizerContext& context,
                               GgufMetadata& metadata);

}  // namespace grpo
