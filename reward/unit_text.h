// What may stand behind a number without changing its value: units.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Whether the text behind a number is a percent sign or word: "%", " %", "\%", " percent".
bool IsPercent(absl::string_view behind);

// The unit that is the whole text behind a number, its space included where there is one; nothing
// where the text is no unit. See ParseNumber for what counts as one.
absl::optional<std::string> ParseUnit(absl::string_view behind);

}  // namespace grpo
