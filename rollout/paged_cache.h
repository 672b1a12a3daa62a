// A paged cache of what attention keeps of each token, one row a layer: with MLA the compressed
// latent and the rotary key, L + R numbers instead of expanded keys and values; with grouped
// queries the cached heads' keys and values. Sequences hold tables of pages.
//
// Equal beginnings share pages: every whole page is known by its tokens and the page before it, so
// that pages form a radix tree whose edges are one page long. Pages that no sequence holds stay in
// the tree until others need their memory, the longest unused ones first.
#pragma once

#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include <ATen/core/Tensor.h>

#include "policy/kernels/bf16_attention.h"
#include "policy/policy_config.h"

namespace grpo {

struct CacheLimits {
  int pages = 0;
  int page_size = 16;  // tokens; with bfloat16 kBf16PageTokens
  int sequences = 0;
  int tokens = 0;     // of a sequence
  bool bf16 = false;  // keeps bfloat16 in the order of policy/kernels/bf16_attention.h, not fp32
};

// For one thread: no locking. Reading and writing rows of different tokens is for any.
class PagedCache {
 public:
  PagedCache(const PolicyConfig& config, const CacheLimits& limits);

  int page_size() const { return page_size_; }
  int max_tokens() const { return max_pages_ * page_size_; }  // of a sequence
  // Pages that no sequence holds, those in the tree among them.
  int free_pages() const { return static_cast<int>(pages_.size()) - held_pages_; }
  int peak_pages() const { return peak_pages_; }  // that held something at one time
  int64_t page_bytes() const {
    return static_cast<int64_t>(layers_.size()) * layer_page_bytes_;
  }  // of a page in all layers
  static int64_t PageBytes(const PolicyConfig& config, int page_size, bool bf16);
  int PagesFor(int num_tokens) const { return (num_tokens + page_size_ - 1) / page_size_; }

  // A new, empty sequence. There must be one left.
  int NewSequence();
  // Gives an empty sequence the pages of the tree that hold the beginning of `tokens`, but never of
  // all of them: the last token is left to be fed. Returns how many tokens it then has.
  int Adopt(int sequence, const std::vector<int32_t>& tokens);
  // A sequence that begins with the tokens of `parent`: whole pages are shared, a last partial one
  // is copied. -1 when no page is left for that.
  int Fork(int parent);
  // Room for one more token of the sequence; the place to write it is Row(). False when that takes
  // a page and none is left.
  bool Extend(int sequence, int32_t token);
  // All tokens of the sequence stay: its whole pages are others' to share.
  void Share(int sequence);
  // Takes back the tokens from `length` on, which have not been shared.
  void Truncate(int sequence, int length);
  void Release(int sequence);

  int length(int sequence) const { return static_cast<int>(tokens_[sequence].size()); }
  // Pages that have come into use for the first time since the last call. Whoever takes them clears
  // them in every layer, before Store: attention reads a page as a whole before all of it is
  // written, and memory that is read first and written later costs the system far more than memory
  // that is written first. Layers can be shared out: the time is the system's, which finds memory.
  std::vector<int> TakeNewPages();
  void Clear(const std::vector<int>& pages, int layer);
  // Keeps a token's row [row_width] at the place that Extend has made for it.
  void Store(int layer, int sequence, int position, const float* row);
  // The kept row, where it is fp32.
  const float* Row(int layer, int sequence, int position) const;
  bool bf16() const { return bf16_; }
  // [num_pages, page_size, row_width] floats, or pages of bfloat16.
  const void* LayerPages(int layer) const { return layers_[layer]; }
  // The sequence's pages, in order.
  const int32_t* Table(int sequence) const {
    return block_tables_.data() + static_cast<size_t>(sequence) * max_pages_;
  }
  // The experts chosen for a token, [M, K]: a record that goes with its page.
  int16_t* Experts(int sequence, int position);
  int experts_per_token() const { return experts_per_token_; }

 private:
  static constexpr int kNoPage = -1;

  struct PageState {
    int users = 0;  // sequences that hold it
    int parent = kNoPage;
    int children = 0;  // in the tree
    bool in_tree = false;
    int64_t last_use = 0;
    std::vector<int32_t> tokens;  // while in the tree
  };
  using Edge = std::pair<int, std::vector<int32_t>>;  // page before, tokens

  int AllocatePage();  // kNoPage when there is none
  void EvictPage();
  void Hold(int page);
  void LetGo(int page);
  void AddToTree(int sequence, int index);
  bool IsUnused(const PageState& page) const {
    return page.in_tree && page.users == 0 && page.children == 0;
  }
  uint8_t* PageMemory(int layer, int page) const {
    return layers_[layer] + page * layer_page_bytes_;
  }
  int32_t& Page(int sequence, int index) {
    return block_tables_[static_cast<size_t>(sequence) * max_pages_ + index];
  }

  int page_size_;
  int max_pages_;  // of a sequence
  int row_width_;
  int experts_per_token_;
  bool bf16_;
  AttentionShape shape_;
  int64_t layer_page_bytes_;      // of a page in one layer
  at::Tensor memory_;             // [layers, num_pages, layer_page_bytes_]
  std::vector<uint8_t*> layers_;  // where each layer begins
  std::vector<int16_t> experts_;  // [num_pages, page_size, M, K]
  std::vector<int32_t> block_tables_;
  std::vector<std::vector<int32_t>> tokens_;  // of each sequence
  std::vector<int> shared_pages_;             // of each sequence, its first ones
  std::vector<PageState> pages_;
  std::vector<int> free_pages_;
  std::set<std::pair<int64_t, int>> unused_;  // by last use: leaves of the tree that nobody holds
  absl::flat_hash_map<Edge, int> tree_;
  std::vector<int> free_sequences_;
  std::vector<int> new_pages_;  // for TakeNewPages
  int held_pages_ = 0;          // by sequences
  int first_new_ = 0;           // page; from it on none was ever in use: they are taken in order
  int64_t uses_ = 0;
  int peak_pages_ = 0;
};

}  // namespace grpo
