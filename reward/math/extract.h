// Finds the final answer in a completion.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Where an answer may stand, in the order in which they are tried. All scans are linear and look at
// bytes; nothing backtracks.
struct ExtractPolicy {
  bool boxed = true;       // the last \boxed{…} or \fbox{…}; adjacent ones are a list
  bool answer_tag = true;  // the last <answer>…</answer>
  bool plain = true;    // "#### 42", "the answer is 42", a bold end, the last mathematics or number
  bool choice = false;  // what is asked for is a letter: "I think it's B"
  bool truth = false;   // a reference solution: an unclosed box reaches to the end
};

struct Extraction {
  std::string text;
  const char* source;  // "box", "answer tag", …, for messages
};

// The answer of a completion without what <think>…</think> encloses; nothing where there is none:
// also where the thought or the last box is not closed.
absl::optional<Extraction> ExtractAnswer(absl::string_view completion, const ExtractPolicy& policy);

}  // namespace grpo
