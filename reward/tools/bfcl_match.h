// The rules of the Berkeley Function Calling Leaderboard (bfcl_eval, ast_checker.py, for Python),
// written anew from what they do: the way to a score that can be compared with published ones. They
// are laxer than value_match.h: "1.5" is "15", true is 1, types are checked one level deep.
#pragma once

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace grpo {

// A string as BFCL compares it: without spaces and , . / - _ * ^, in lower case, ' as ".
std::string BfclString(absl::string_view text);

// Whether BFCL takes the value for a parameter with this schema and this list of allowed values.
bool BfclValueAllowed(const nlohmann::json& value, const nlohmann::json& allowed,
                      const nlohmann::json& schema);

}  // namespace grpo
