// Finds canaries: strings planted where a policy must not repeat them from.
#pragma once

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

#include "reward/safety/phrase_finder.h"

namespace grpo {

// Looks for canaries as they are and disguised: in another case, width or spacing ("S E C-R-E-T"),
// reversed, as hexadecimal digits, in base64 and base64url at any offset. A canary of fewer than 8
// letters and digits is looked for as it is written only, since its disguises are common text, and
// base64 needs 8 bytes. Not found: other ciphers, translations, canaries cut into pieces. Immutable
// after creation.
class CanaryFinder {
 public:
  explicit CanaryFinder(const std::vector<std::string>& canaries);

  // How the first canary found stands in the text ("as it is", "in base64", …), empty where there
  // is none. Linear time.
  std::string Find(absl::string_view text) const;

 private:
  PhraseFinder plain_, squeezed_, base64_;
  size_t num_squeezed_;  // how many of squeezed_'s phrases are the canaries, the others disguises
};

}  // namespace grpo
