// The running text of a completion: what a person reads as language.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// The text with a space for each piece that no language owns: code (``` fences, `spans`), formulas
// ($…$ and \(…\) within a line, $$…$$, \[…\], \begin{…}…\end{…}), addresses (http://…) and tags
// (<think>). A piece that is opened and not closed stays. Linear in the text.
std::string ProseOf(absl::string_view text);

}  // namespace grpo
