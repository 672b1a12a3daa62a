// Finds stop strings in a completion's bytes as its tokens come, across their borders, in time
// linear in the bytes (Aho and Corasick 1975).
//
// A completion ends with the token within which a stop string is first complete. That token stays
// whole: the completion's text is that of all its tokens, with the stop string and with what its
// last token says behind it. Progress::stop_end tells where a caller would cut.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Immutable after creation and safe to share among threads; what belongs to one completion is in
// its Progress.
class StopStrings {
 public:
  struct Progress {
    int32_t node = 0;
    size_t bytes = 0;                 // of the completion so far
    absl::optional<size_t> stop_end;  // bytes up to where the first stop string is complete
  };

  StopStrings() : StopStrings(std::vector<std::string>()) {}
  explicit StopStrings(const std::vector<std::string>& stops);  // none of them empty

  bool empty() const { return nodes_.size() == 1; }

  // Takes the bytes of the next token; true when a stop string is complete within them.
  bool Push(absl::string_view bytes, Progress& progress) const;

 private:
  // A node for each beginning of a stop string; the root is the empty one.
  struct Node {
    std::array<int32_t, 256> next = {};  // by byte: the longest beginning that then ends the text
    bool stops = false;                  // a stop string ends here
  };

  void Insert(absl::string_view stop);
  void Link();

  std::vector<Node> nodes_;
};

}  // namespace grpo
