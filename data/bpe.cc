#include "data/bpe.h"

#include <algorithm>
#include <functional>

#include "data/check.h"

namespace grpo {
namespace {

// A token of the word in the making, in a list linked by places.
struct Symbol {
  int32_t token;  // -1: merged into the one before it
  int32_t previous;
  int32_t next;
};

// A rule that applied at `place` when it was noted.
struct Candidate {
  int32_t rank;
  int32_t place;
  bool operator>(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : place > other.place;
  }
};

}  // namespace

Bpe::Bpe(const std::array<int32_t, 256>& byte_ids, const std::vector<BpeMerge>& merges)
    : byte_ids_(byte_ids) {
  rules_.reserve(merges.size());
  for (size_t rank = 0; rank < merges.size(); ++rank) {
    const BpeMerge& merge = merges[rank];
    const bool added = rules_
                           .try_emplace(Key(merge.left, merge.right),
                                        Rule{static_cast<int32_t>(rank), merge.result})
                           .second;
    GRPO_CHECK(added);
  }
}

const Bpe::Rule* Bpe::Find(int32_t left, int32_t right) const {
  const auto found = rules_.find(Key(left, right));
  return found == rules_.end() ? nullptr : &found->second;
}

void Bpe::Encode(absl::string_view word, std::vector<int32_t>* tokens) const {
  GRPO_CHECK(word.size() < INT32_MAX);
  const int32_t size = static_cast<int32_t>(word.size());
  std::vector<Symbol> symbols(size);
  for (int32_t i = 0; i < size; ++i) {
    symbols[i] = {byte_ids_[static_cast<unsigned char>(word[i])], i - 1, i + 1 < size ? i + 1 : -1};
  }
  std::vector<Candidate> heap;  // the lowest rank first
  const auto note = [&](int32_t place) {
    if (place < 0 || symbols[place].next < 0) return;
    const Rule* rule = Find(symbols[place].token, symbols[symbols[place].next].token);
    if (rule == nullptr) return;
    heap.push_back({rule->rank, place});
    std::push_heap(heap.begin(), heap.end(), std::greater<>());
  };
  for (int32_t i = 0; i + 1 < size; ++i) note(i);
  while (!heap.empty()) {
    const Candidate best = heap.front();
    std::pop_heap(heap.begin(), heap.end(), std::greater<>());
    heap.pop_back();
    Symbol& left = symbols[best.place];
    if (left.token < 0 || left.next < 0) continue;  // merged away since it was noted
    Symbol& right = symbols[left.next];
    const Rule* rule = Find(left.token, right.token);
    if (rule == nullptr || rule->rank != best.rank) continue;  // a neighbour has changed
    left.token = rule->result;
    right.token = -1;
    left.next = right.next;
    if (left.next >= 0) symbols[left.next].previous = best.place;
    note(left.previous);
    note(best.place);
  }
  for (int32_t i = 0; i >= 0 && i < size; i = symbols[i].next) tokens->push_back(symbols[i].token);
}

}  // namespace grpo
