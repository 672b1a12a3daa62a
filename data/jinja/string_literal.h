// Python's escapes in string literals.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo::jinja {

// The value of a literal from what stands between its quotes. An error for half an escape and for
// what is no character.
absl::StatusOr<std::string> UnescapeString(absl::string_view literal);

}  // namespace grpo::jinja
