#include "data/bpe.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "data/check.h"
#include "data/utf8.h"

namespace grpo {
namespace {

// Up to here it costs less to look through all pairs for the best one than to keep them in order.
constexpr size_t kFewTokens = 48;
constexpr int32_t kNoRule = INT32_MAX;

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

Bpe::Bpe(BpeAlphabet alphabet, const std::vector<BpeMerge>& merges)
    : alphabet_(std::move(alphabet)) {
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
  const size_t begin = tokens->size();
  Start(word, tokens);
  if (tokens->size() - begin <= kFewTokens) {
    MergeFew(begin, tokens);
  } else {
    MergeMany(begin, tokens);
  }
}

void Bpe::Start(absl::string_view word, std::vector<int32_t>* tokens) const {
  bool unknown = false;  // a token for the unknown is due
  const auto write_unknown = [&] {
    if (std::exchange(unknown, false)) tokens->push_back(alphabet_.unknown_id);
  };
  const auto write = [&](int32_t token) {
    write_unknown();
    tokens->push_back(token);
  };
  const auto note_unknown = [&] {
    if (!alphabet_.fuse_unknown) write_unknown();
    unknown = alphabet_.unknown_id >= 0;
  };
  const auto byte_id = [&](char byte) {
    return alphabet_.byte_ids[static_cast<unsigned char>(byte)];
  };
  while (!word.empty()) {
    const absl::string_view character =
        word.substr(0, alphabet_.bytes ? 1 : Utf8CharacterSize(word));
    word.remove_prefix(character.size());
    if (alphabet_.bytes) {
      const int32_t token = byte_id(character[0]);
      token >= 0 ? write(token) : note_unknown();
      continue;
    }
    const auto known = alphabet_.character_ids.find(DecodeUtf8(character));
    if (known != alphabet_.character_ids.end()) {
      write(known->second);
    } else if (std::all_of(character.begin(), character.end(),
                           [&](char byte) { return byte_id(byte) >= 0; })) {
      // A token for the unknown that is due comes after them, as `tokenizers` has it.
      for (const char byte : character) tokens->push_back(byte_id(byte));
    } else {
      note_unknown();
    }
  }
  write_unknown();
}

void Bpe::MergeFew(size_t begin, std::vector<int32_t>* tokens) const {
  size_t size = tokens->size() - begin;
  if (size < 2) return;
  int32_t* const word = tokens->data() + begin;
  Rule rules[kFewTokens];  // rules[i] merges the tokens i and i + 1
  const auto look_up = [&](size_t i) {
    const Rule* const rule = Find(word[i], word[i + 1]);
    rules[i] = rule == nullptr ? Rule{kNoRule, -1} : *rule;
  };
  for (size_t i = 0; i + 1 < size; ++i) look_up(i);
  while (size > 1) {
    const size_t best =
        std::min_element(rules, rules + size - 1,
                         [](const Rule& a, const Rule& b) { return a.rank < b.rank; }) -
        rules;
    if (rules[best].rank == kNoRule) break;
    word[best] = rules[best].result;
    std::copy(word + best + 2, word + size, word + best + 1);
    std::copy(rules + best + 1, rules + size - 1, rules + best);
    --size;
    if (best > 0) look_up(best - 1);
    if (best + 1 < size) look_up(best);
  }
  tokens->resize(begin + size);
}

void Bpe::MergeMany(size_t begin, std::vector<int32_t>* tokens) const {
  const int32_t size = static_cast<int32_t>(tokens->size() - begin);
  std::vector<Symbol> symbols(size);
  for (int32_t i = 0; i < size; ++i) {
    symbols[i] = {(*tokens)[begin + i], i - 1, i + 1 < size ? i + 1 : -1};
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
  tokens->resize(begin);
  for (int32_t i = 0; i >= 0 && i < size; i = symbols[i].next) tokens->push_back(symbols[i].token);
}

}  // namespace grpo
