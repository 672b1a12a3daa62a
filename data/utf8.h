// Which bytes are UTF-8 (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF).
#pragma once

#include <cstddef>

#include "absl/strings/string_view.h"

namespace grpo {

// Bytes of the character at the start of `text`, 1 to 4; 0 where it is empty or does not start with
// a valid one.
size_t Utf8CharacterSize(absl::string_view text);

// Bytes of the longest prefix that is valid UTF-8.
size_t ValidUtf8Prefix(absl::string_view text);

// Bytes before the first place at which a valid character starts.
size_t InvalidUtf8Prefix(absl::string_view text);

inline bool IsUtf8(absl::string_view text) { return ValidUtf8Prefix(text) == text.size(); }

}  // namespace grpo
