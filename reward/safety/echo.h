// Finds repeated instructions.
#pragma once

#include <string>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/string_view.h"

#include "reward/safety/phrase_finder.h"

namespace grpo {

// Whether one of the phrases stands in the text as words of its own (StandsAlone).
bool HasPhrase(const PhraseFinder& phrases, absl::string_view text);

// Looks for texts that are repeated as a whole, or 8 words of them in a row. Immutable after
// creation.
class EchoFinder {
 public:
  explicit EchoFinder(const std::vector<std::string>& texts);

  // `words` is FoldedWords(a text). Linear time.
  bool Find(absl::string_view words) const;

 private:
  PhraseFinder whole_;
  absl::flat_hash_set<std::string> parts_;  // of 8 words each
};

}  // namespace grpo
