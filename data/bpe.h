// Byte-pair encoding of one word: Sennrich et al., "Neural machine translation of rare words with
// subword units" (2016), over bytes or over characters.
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

// The tokens that a word starts as; -1 where there is none.
struct BpeAlphabet {
  bool bytes = true;                    // a word starts as its bytes, not as its characters
  std::array<int32_t, 256> byte_ids{};  // over characters: for the bytes of those without a token
  absl::flat_hash_map<char32_t, int32_t> character_ids;
  int32_t unknown_id = -1;    // for what has no token; without it that is left out
  bool fuse_unknown = false;  // one such token for a run
};

// Immutable after creation and safe to share among threads.
class Bpe {
 public:
  // No pair of (left, right) stands twice in `merges`.
  Bpe(BpeAlphabet alphabet, const std::vector<BpeMerge>& merges);

  // Appends the tokens of a word (over characters: of valid UTF-8): what it starts as, with the
  // applicable rule of the lowest rank applied (the leftmost place first) until none applies.
  // O(n log n) in the bytes of the word.
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
  // Appends what a word starts as.
  void Start(absl::string_view word, std::vector<int32_t>* tokens) const;
  // Merge the tokens from place `begin` on.
  void MergeFew(size_t begin, std::vector<int32_t>* tokens) const;
  void MergeMany(size_t begin, std::vector<int32_t>* tokens) const;

  BpeAlphabet alphabet_;
  absl::flat_hash_map<uint64_t, Rule> rules_;
};

}  // namespace grpo
