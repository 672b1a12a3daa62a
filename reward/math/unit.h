// Words behind a number: units of measure and what is counted.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// Whether a run of letters without a backslash is a unit when it stands behind a number, "cm",
// rather than a product of variables, "ab".
bool IsUnitWord(absl::string_view word);

// One spelling for a unit: lower case, singular, "centimeters" and "centimetre" as "cm", "square
// meters" as "m^2", without spaces.
std::string CanonicalUnit(absl::string_view unit);

}  // namespace grpo
