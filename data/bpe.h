// Byte-pair encoding of one word: Sennrich et al., "Neural machine translation of rare words with
// subword units" (2016), over bytes.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/string_view.h"

namespace grpo {

// One merge rule: `left` followed by `right` becomes `result`. A rule's place in its list is its
// rank.
struct BpeMerge {
  int32_t left = 0;
  int32_t right = 0;
  int32_t result = 0;
};

// Immutable after creation and safe to share among threads.
class Bpe {
 public:
  Bpe() = default;
  // `byte_ids`: the token of each byte. No pair of (left, right) stands twice in `merges`.
  Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges);

  // Appends the tokens of a word: its bytes, with the applicable rule of the lowest rank applied
  // (the leftmost place first) until none applies. O(n log n) in the bytes of the word.
  void Encode(absl::string_view word, std::vector<int32_t>* tokens) const;

 private:
  struct Rule {
    int32_t rank;
    int32_t result;
  };

  static uint64_t Key(int32_t left, int32_t right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  const Rule* Find(int32_t left, int32_t right) const;

  std::array<int32_t, 256> byte_ids_ = {};
  absl::flat_hash_map<uint64_t, Rule> rules_;
};

}  // namespace grpo
