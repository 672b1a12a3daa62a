// When a program's standard output is the expected one.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

enum class OutputRule {
  kExact,   // every byte
  kLines,   // the same lines but for white space at their ends and empty lines at the end of all
  kTokens,  // the same words in the same order, whatever the white space between them
};

// Where `tolerance` is above 0, words that are decimal numbers on both sides are equal where
// |a - b| <= tolerance * max(1, |expected|); not under kExact.
bool OutputMatches(absl::string_view expected, absl::string_view found, OutputRule rule,
                   double tolerance);

}  // namespace grpo
