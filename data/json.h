// Strict JSON: what a parser must not let pass in silence (a repeated key, nesting without end,
// bytes that are not UTF-8) is an error with its line and column.
#pragma once

#include <map>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

namespace grpo {

// Where the text stands, for messages: `origin` (a file) and the number of the text's first line.
struct JsonOrigin {
  std::string origin;
  int64_t first_line = 1;
};

// The value of a whole JSON text, nested at most 256 deep. Where `numbers` is given it receives the
// fields of the outermost object that a value does not hold as they are written: a number ("0.50"),
// and a list or an object with an integer of more than 64 bits, which the value rounds (as JSON,
// without blanks).
absl::StatusOr<nlohmann::json> ParseJson(absl::string_view text, const JsonOrigin& origin,
                                         std::map<std::string, std::string>* numbers = nullptr);

// "a number", "a string", ...: how messages name what was found.
std::string JsonKind(const nlohmann::json& value);

// At most `limit` bytes of foreign text, fit for a message: what is not printable ASCII as \xNN.
std::string QuoteForMessage(absl::string_view text, size_t limit = 80);

}  // namespace grpo
