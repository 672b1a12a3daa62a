// Whether a final answer says the same as the ground truth.
#pragma once

#include "absl/strings/string_view.h"

namespace grpo {

// The longest answer that is compared, in bytes.
inline constexpr size_t kMaxAnswerBytes = 4096;

// Numbers (see ParseNumber) are compared as exact fractions, 1/2 = 0.5 = .50; with `tolerance` > 0
// they may differ by that much of the truth's magnitude. Units must be the same, or absent on one
// side: "12 cm" = "12", "12 cm" ≠ "12 m". No unit is converted. A percentage is compared with a
// percentage as it stands; where one side alone has the sign, the number may be meant either way:
// "50%" = "0.5" and "50%" = "50". Anything else is compared as text, without regard to case and
// amount of white space. Bounded work: linear in the texts' length, but for numbers of at most 1000
// digits. Both texts are at most kMaxAnswerBytes long.
bool AnswersEqual(absl::string_view answer, absl::string_view truth, double tolerance);

}  // namespace grpo
