// Reads a final answer in LaTeX, plain text or the text of an algebra system.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "reward/math/answer.h"

namespace grpo {

// Bounds that keep the work on hostile text small; what exceeds them is not read.
inline constexpr int kMaxAnswerNodes = 2048;
inline constexpr int kMaxAnswerDepth = 200;
// Powers, factorials, signs of percent and degrees behind one operand.
inline constexpr int kMaxSuffixes = 32;
inline constexpr size_t kMaxNumberDigits = 2000;

struct ParsedAnswer {
  std::string text;  // normalised, without white space: what a person may be shown
  // What the text can mean, the most usual first: "1,234" is a number or two. Empty where it could
  // not be read.
  std::vector<Answer> readings;
  bool parsed() const { return !readings.empty(); }
};

// Never fails: an unreadable text has no readings. Words alone are a kText.
ParsedAnswer ParseAnswer(absl::string_view text);

}  // namespace grpo
