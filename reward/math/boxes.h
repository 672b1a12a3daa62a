// \boxed{…} and \fbox{…} in a text.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

struct BoxedAnswer {
  absl::optional<std::string> text;  // of the last box, or of the last ones joined by " and "
  bool unclosed = false;             // the last box has no closing brace, so there is no answer
};

// A box inside a box belongs to the outer one. Boxes with nothing but signs, or one "and" or "or"
// and a few words, between them are a list; otherwise the last one counts. With `unclosed_to_end`
// an unclosed box reaches to the end of the text. One pass.
BoxedAnswer LastBoxes(absl::string_view text, bool unclosed_to_end);

}  // namespace grpo
