// What Metaspace is made of, as a pre-tokenizer and as a decoder: a character (▁) that stands for a
// space.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace grpo {

struct MetaspaceFields {
  std::string replacement;     // one character
  std::string prepend_scheme;  // "always", "first" or "never"
  bool split = true;
};

absl::StatusOr<MetaspaceFields> ReadMetaspace(const nlohmann::json& description,
                                              const std::string& where);

}  // namespace grpo
