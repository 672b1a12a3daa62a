// Patterns of tokenizer files, written for Oniguruma, as PCRE2 understands them.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo {

// The PCRE2 pattern (for UTF, UCP, multi-line) that matches as `pattern` does with Ruby's syntax in
// Unicode 16; an error names what has no translation.
absl::StatusOr<std::string> TranslatePattern(absl::string_view pattern);

// What the inside of a PCRE2 set must hold to match a property as Oniguruma does: "L" for letters,
// "Han", ….
std::string PropertyItems(absl::string_view name);

}  // namespace grpo
