#include "rollout/stop_strings.h"

#include "data/check.h"

namespace grpo {
namespace {

size_t Index(char byte) { return static_cast<unsigned char>(byte); }

}  // namespace

StopStrings::StopStrings(const std::vector<std::string>& stops) : nodes_(1) {
  for (const std::string& stop : stops) Insert(stop);
  Link();
}

bool StopStrings::Push(absl::string_view bytes, Progress& progress) const {
  bool complete = false;
  for (char byte : bytes) {
    progress.node = nodes_[progress.node].next[Index(byte)];
    ++progress.bytes;
    if (!nodes_[progress.node].stops) continue;
    complete = true;
    if (!progress.stop_end) progress.stop_end = progress.bytes;
  }
  return complete;
}

void StopStrings::Insert(absl::string_view stop) {
  GRPO_CHECK(!stop.empty());
  int32_t node = 0;
  for (char byte : stop) {
    if (nodes_[node].next[Index(byte)] == 0) {
      nodes_[node].next[Index(byte)] = static_cast<int32_t>(nodes_.size());
      nodes_.emplace_back();
    }
    node = nodes_[node].next[Index(byte)];
  }
  nodes_[node].stops = true;
}

// Breadth first: what a node lacks it takes from its fallback, the longest proper ending of its
// text that is a beginning too, which is shorter and so complete already.
void StopStrings::Link() {
  std::vector<int32_t> fallback(nodes_.size()), queue = {0};
  for (size_t i = 0; i < queue.size(); ++i) {
    const int32_t node = queue[i];
    nodes_[node].stops |= nodes_[fallback[node]].stops;
    for (size_t byte = 0; byte < 256; ++byte) {
      const int32_t shorter = node == 0 ? 0 : nodes_[fallback[node]].next[byte];
      int32_t& child = nodes_[node].next[byte];
      if (child == 0) {
        child = shorter;
      } else {
        fallback[child] = shorter;
        queue.push_back(child);
      }
    }
  }
}

}  // namespace grpo
