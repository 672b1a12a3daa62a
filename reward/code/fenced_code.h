// Finds the program in a completion.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// The content of the last block between ``` fences whose first line names `language` ("python" or
// "cpp", by any of the usual names); without such a block, of the last one that names none. A block
// that is never closed ends with the text.
absl::optional<std::string> LastFencedBlock(absl::string_view text, absl::string_view language);

}  // namespace grpo
