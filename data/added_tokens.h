// Tokens that are written out in text, such as <think>: found before anything else and never split.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/strings/string_view.h"

namespace grpo {

struct AddedToken {
  int32_t id = 0;
  std::string text;          // not empty
  bool special = false;      // dropped by Decode(skip_special=true)
  bool normalized = true;    // looked for after those that are not, in normalized text
  bool left_strip = false;   // takes the white space before it
  bool right_strip = false;  // takes the white space after it
  bool single_word = false;  // not found next to a letter, digit or underscore
};

// Immutable after creation and safe to share among threads.
class AddedTokenFinder {
 public:
  AddedTokenFinder() = default;
  explicit AddedTokenFinder(const std::vector<AddedToken>& tokens);

  // Cuts the text (valid UTF-8) at the tokens, the leftmost first and the longest where several
  // start at one place. Calls `on_text` with what lies between (never empty) and `on_token` with
  // their ids, in the order of the text.
  void Split(absl::string_view text, absl::FunctionRef<void(absl::string_view)> on_text,
             absl::FunctionRef<void(int32_t)> on_token) const;

 private:
  const AddedToken* LongestAt(absl::string_view text) const;

  absl::flat_hash_map<std::string, AddedToken> tokens_;       // by text
  std::array<std::vector<size_t>, 256> sizes_by_first_byte_;  // of the tokens' texts, longest first
};

}  // namespace grpo
