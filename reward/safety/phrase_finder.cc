#include "reward/safety/phrase_finder.h"

namespace grpo {

PhraseFinder::PhraseFinder(const std::vector<std::string>& phrases) : nodes_(1) {
  for (size_t i = 0; i < phrases.size(); ++i) {
    sizes_.push_back(phrases[i].size());
    if (!phrases[i].empty()) AddPhrase(phrases[i], static_cast<int>(i));
  }
  Complete();
}

void PhraseFinder::AddPhrase(const std::string& phrase, int number) {
  int32_t state = 0;
  for (const unsigned char byte : phrase) {
    if (nodes_[state].next[byte] == 0) {
      nodes_[state].next[byte] = static_cast<int32_t>(nodes_.size());
      nodes_.emplace_back();
    }
    state = nodes_[state].next[byte];
  }
  nodes_[state].phrases.push_back(number);
}

// Breadth first, so that a state's fallback, which is nearer to the root, is complete before it.
void PhraseFinder::Complete() {
  std::vector<int32_t> queue = {0};
  for (size_t i = 0; i < queue.size(); ++i) {
    Node& node = nodes_[queue[i]];
    for (int byte = 0; byte < 256; ++byte) {
      const int32_t through_fallback = queue[i] == 0 ? 0 : nodes_[node.fallback].next[byte];
      const int32_t child = node.next[byte];
      if (child == 0) {
        node.next[byte] = through_fallback;
        continue;
      }
      Node& reached = nodes_[child];
      reached.fallback = through_fallback;
      const Node& fallback = nodes_[through_fallback];
      reached.shorter = fallback.phrases.empty() ? fallback.shorter : through_fallback;
      queue.push_back(child);
    }
  }
}

bool PhraseFinder::Find(absl::string_view text,
                        const std::function<bool(const Match&)>& take) const {
  int32_t state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    state = nodes_[state].next[static_cast<unsigned char>(text[i])];
    for (int32_t end = state; end != 0; end = nodes_[end].shorter) {
      for (const int phrase : nodes_[end].phrases) {
        if (take({phrase, i + 1 - sizes_[phrase], i + 1})) return true;
      }
    }
  }
  return false;
}

}  // namespace grpo
