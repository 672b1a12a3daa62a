// A paged cache of what attention keeps of each token, one row a layer: with MLA the compressed
// latent and the rotary key, L + R numbers instead of expanded keys and values; with grouped
// queries the cached heads' keys and values. Sequences hold tables of pages; equal prefixes share
// pages.
#pragma once

#include <cstdint>
#include <vector>

#include <ATen/core/Tensor.h>

#include "policy/policy_config.h"

namespace grpo {

// For one thread: no locking.
class PagedCache {
 public:
  PagedCache(const PolicyConfig& config, int num_pages, int page_size, int max_sequences,
             int max_tokens_per_sequence);

  int page_size() const { return page_size_; }
  int max_pages() const { return max_pages_; }
  int free_pages() const { return static_cast<int>(free_pages_.size()); }
  int free_sequences() const { return static_cast<int>(free_sequences_.size()); }
  int peak_pages() const { return peak_pages_; }  // held at one time
  int64_t page_bytes() const;                     // of a page in all layers
  int PagesFor(int num_tokens) const { return (num_tokens + page_size_ - 1) / page_size_; }

  // A new, empty sequence. Needs free_sequences() > 0.
  int NewSequence();
  // A sequence that begins with the tokens of `parent`: whole pages are shared, a last partial one
  // is copied.
  int Fork(int parent);
  // Room for one more token of the sequence; the place to write it is Row(). Needs a free page at
  // page borders.
  void Extend(int sequence);
  void Release(int sequence);

  int length(int sequence) const { return lengths_[sequence]; }
  // The cached row of a token, [row_width] floats.
  float* Row(int layer, int sequence, int position);
  const float* LayerPages(int layer) const { return layers_[layer].const_data_ptr<float>(); }
  // [max_sequences, max_pages].
  const int32_t* block_tables() const { return block_tables_.data(); }

 private:
  int AllocatePage();
  int32_t& Page(int sequence, int index) {
    return block_tables_[static_cast<size_t>(sequence) * max_pages_ + index];
  }

  int page_size_;
  int max_pages_;  // of a sequence
  int row_width_;
  std::vector<at::Tensor> layers_;  // [num_pages, page_size, row_width] each
  std::vector<int32_t> block_tables_;
  std::vector<int> lengths_;
  std::vector<int> page_users_;  // sequences that hold a page
  std::vector<int> free_pages_;
  std::vector<int> free_sequences_;
  int peak_pages_ = 0;
};

}  // namespace grpo
