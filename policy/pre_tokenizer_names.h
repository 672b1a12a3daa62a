// llama.cpp's names for ways to cut text into words before byte-pair encoding, and the
// pre_tokenizer of a tokenizer.json that cuts the same.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace grpo {

struct KnownPreTokenizer {
  std::vector<std::string> names;     // in GGUF; the first is written
  std::vector<std::string> patterns;  // cut one after the other, matches isolated
  bool ignore_merges = false;         // of the model that goes with it
};

// The one of this name; nullptr where it is not known.
const KnownPreTokenizer* FindPreTokenizer(absl::string_view name);

// Its value in tokenizer.json.
nlohmann::json PreTokenizerToJson(const KnownPreTokenizer& known);

// The name for a tokenizer.json's pre_tokenizer, patterns compared as they are written. Digits need
// not be cut alike where no token joins them: `merged_tokens` (their bytes) are what merges make.
// kInvalidArgument where there is none.
absl::StatusOr<std::string> NameOfPreTokenizer(const nlohmann::json& pre_tokenizer,
                                               bool ignore_merges,
                                               const std::vector<std::string>& merged_tokens);

}  // namespace grpo
