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

  // Empty phrases are never found. Takes memory of 4 bytes for each byte of the phrases times their
  // different bytes.
  explicit PhraseFinder(const std::vector<std::string>& phrases);

  // Calls `take` with each occurrence, overlapping ones too, by where they end, until it returns
  // true; returns whether it did. Linear time, apart from `take`, in the text and the matches.
  bool Find(absl::string_view text, const std::function<bool(const Match&)>& take) const;

 private:
  struct State {
    int32_t fallback = 0;      // the state of the longest other start of a phrase that ends here
    int32_t shorter = 0;       // the nearest state along the fallbacks where a phrase ends; 0: none
    std::vector<int> phrases;  // that end here
  };

  void AddPhrase(const std::string& phrase, int number);
  void Complete();
  int32_t& Next(int32_t state, int byte_class) {
    return next_[static_cast<size_t>(state) * num_classes_ + byte_class];
  }

  std::array<uint16_t, 256> class_of_{};  // of each byte; 0: in no phrase
  int num_classes_ = 1;
  std::vector<State> states_;
  std::vector<int32_t> next_;  // [states, classes] the state after a byte of the class
  std::vector<size_t> sizes_;  // of the phrases
};

}  // namespace grpo
