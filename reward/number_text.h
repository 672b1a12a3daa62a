// Numbers as people write them in answers.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "reward/rational.h"

namespace grpo {

struct WrittenNumber {
  Rational value;        // of a percentage: the number before the sign
  bool percent = false;  // "50%", "50 percent"
  std::string unit;      // "cm", "$"; empty where there is none
};

// Replaces the typographic minus and dash-like minus by '-', special spaces by ' ', and removes
// what does not change a short answer: white space at the ends, a dollar pair or \( \) around it,
// one full stop at its end. Runs of white space become one space.
std::string NormalizeAnswerText(absl::string_view text);

// Reads the whole of a normalised text as one number, or nothing:
//   [currency] [sign] [currency] amount [unit or %]
//   amount   42, 3.50, .5, 5., 1.2e3, 1,234,567.8, 1 234 567, 7/2, \frac{7}{2} (\dfrac, \tfrac),
//            3 1/2, 3\frac{1}{2}
//   currency $ € £ ¥, kept as the unit
//   unit     after a space: a word of at least two letters ("12 apples"), "word/word", "word per
//   word",
//            "square word" or "cubic word"; with or without the space: a known short unit (cm, kg,
//            m, s, °C, …); each with an optional power ("m^2", "m²"). Words that change the value
//            ("million", "dozen", "pi") are no units, and a letter that may be a variable ("3x") is
//            none.
// Groups of thousands are exactly three digits after a first group of one to three that does not
// begin with 0, all with the same separator, a comma or a space. "3 1/2" is three and a half, also
// where the middle has three digits. A decimal comma ("3,5") is not read as a number. At most 1000
// digits and exponents up to ±1000: whatever is longer is no number, so that the work is bounded.
absl::optional<WrittenNumber> ParseNumber(absl::string_view normalized);

}  // namespace grpo
