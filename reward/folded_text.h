// Text in the one spelling in which phrases are looked for.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

namespace grpo {

// Unicode's NFKC_Casefold: no difference of case, width, ligature or composition, and no invisible
// characters (zero-width spaces, soft hyphens); curly apostrophes become '. What is not UTF-8
// becomes U+FFFD. With `keep_case` the case stays. Linear time; at most 12 times as long as the
// text.
std::string FoldText(absl::string_view text, bool keep_case = false);

// Unicode's simple lower case of each character, nothing else changed. `text` is UTF-8.
std::string LowerText(absl::string_view text);

}  // namespace grpo
