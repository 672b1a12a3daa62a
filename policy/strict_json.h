// JSON from files that others wrote, read strictly: one object, no key twice, no trailing bytes,
// bounded depth.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace grpo {

// `origin` names the file in messages, which carry line and column. kInvalidArgument for anything
// that is not one JSON object; nlohmann/json alone would keep the last of two equal keys and say
// nothing.
absl::StatusOr<nlohmann::json> ParseJsonObject(absl::string_view text, const std::string& origin);

// "a string", "a list", …: for messages that say what was found.
std::string JsonKind(const nlohmann::json& value);

// The value itself, cut to a length that fits into a message.
std::string JsonExcerpt(const nlohmann::json& value);

}  // namespace grpo
