#include "reward/safety/phrase_finder.h"

namespace grpo {

PhraseFinder::PhraseFinder(const std::vector<std::string>& phrases) : states_(1) {
  for (const std::string& phrase : phrases) {
    sizes_.push_back(phrase.size());
    for (const unsigned char byte : phrase) {
      if (class_of_[byte] == 0) class_of_[byte] = static_cast<uint16_t>(num_classes_++);
    }
  }
  next_.resize(num_classes_);
  for (size_t i = 0; i < phrases.size(); ++i) {
    if (!phrases[i].empty()) AddPhrase(phrases[i], static_cast<int>(i));
  }
  Complete();
}

void PhraseFinder::AddPhrase(const std::string& phrase, int number) {
  int32_t state = 0;
  for (const unsigned char byte : phrase) {
    if (Next(state, class_of_[byte]) == 0) {
      Next(state, class_of_[byte]) = static_cast<int32_t>(states_.size());
      states_.emplace_back();
      next_.resize(next_.size() + num_classes_);
    }
    state = Next(state, class_of_[byte]);
  }
  states_[state].phrases.push_back(number);
}

// Breadth first, so that a state's fallback, which is nearer to the root, is complete before it.
void PhraseFinder::Complete() {
  std::vector<int32_t> queue = {0};
  for (size_t i = 0; i < queue.size(); ++i) {
    const int32_t state = queue[i];
    for (int byte_class = 1; byte_class < num_classes_; ++byte_class) {
      const int32_t around = state == 0 ? 0 : Next(states_[state].fallback, byte_class);
      const int32_t child = Next(state, byte_class);
      if (child == 0) {
        Next(state, byte_class) = around;
        continue;
      }
      states_[child].fallback = around;
      states_[child].shorter = states_[around].phrases.empty() ? states_[around].shorter : around;
      queue.push_back(child);
    }
  }
}

bool PhraseFinder::Find(absl::string_view text,
                        const std::function<bool(const Match&)>& take) const {
  int32_t state = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const int byte_class = class_of_[static_cast<unsigned char>(text[i])];
    state = byte_class == 0 ? 0 : next_[static_cast<size_t>(state) * num_classes_ + byte_class];
    for (int32_t end = state; end != 0; end = states_[end].shorter) {
      for (const int phrase : states_[end].phrases) {
        if (take({phrase, i + 1 - sizes_[phrase], i + 1})) return true;
      }
    }
  }
  return false;
}

}  // namespace grpo
