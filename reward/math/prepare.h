// Brings two answers to the same footing before they are compared.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "reward/math/answer.h"

namespace grpo {

// Letters and digits in lower case, with synonyms ("DNE" for "undefined") as one.
std::string WordKey(absl::string_view words);

// Whether PrepareTogether() would change anything.
bool NeedsPreparation(const Answer& a, const Answer& b);

// Writes out plus-minus signs, sums of unit vectors as tuples, and decides by the names on both
// sides whether e and i are constants: beside c and d, e is a letter.
void PrepareTogether(Answer* a, Answer* b);

}  // namespace grpo
