// The fields of a task's record that only its checker knows.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "data/prompt.h"

namespace grpo {

// Prompt::metadata_json as an object; an empty one where it is empty. Errors name the prompt.
absl::StatusOr<nlohmann::json> ParseMetadata(const Prompt& prompt);

// The strings of a list field, or of a single string; none where the field is absent or null.
absl::StatusOr<std::vector<std::string>> StringsField(const nlohmann::json& metadata,
                                                      const std::string& key);

}  // namespace grpo
