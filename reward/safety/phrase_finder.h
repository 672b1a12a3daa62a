// Finds many phrases at once.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace grpo {

// An automaton over bytes for a set of phrases (Aho and Corasick 1975). Immutable after creation.
class PhraseFinder {
 public:
  // Where a phrase stands: its number in the list, and bytes of the text.
  struct Match {
    int phrase;
    size_t begin, end;
  };

  // Empty phrases are never found. Takes memory of 1 KiB for each byte of the phrases.
  explicit PhraseFinder(const std::vector<std::string>& phrases);

  // Calls `take` with each occurrence, overlapping ones too, by where they end, until it returns
  // true; returns whether it did. Linear time, apart from `take`, in the text and the matches.
  bool Find(absl::string_view text, const std::function<bool(const Match&)>& take) const;

 private:
  struct Node {
    std::array<int32_t, 256> next{};  // the state after a byte; complete after construction
    int32_t fallback = 0;             // the state of the longest other phrase start that ends here
    int32_t shorter = 0;       // the next state along the fallbacks where a phrase ends; 0: none
    std::vector<int> phrases;  // that end here
  };

  void AddPhrase(const std::string& phrase, int number);
  void Complete();

  std::vector<Node> nodes_;
  std::vector<size_t> sizes_;  // of the phrases
};

}  // namespace grpo
