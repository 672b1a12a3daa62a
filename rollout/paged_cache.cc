#include "rollout/paged_cache.h"

#include <algorithm>

#include <ATen/ATen.h>

#include "data/check.h"

namespace grpo {

PagedCache::PagedCache(const PolicyConfig& config, int num_pages, int page_size, int max_sequences,
                       int max_tokens_per_sequence)
    : page_size_(page_size),
      max_pages_((max_tokens_per_sequence + page_size - 1) / page_size),
      row_width_(config.cached_row_width()),
      block_tables_(static_cast<size_t>(max_sequences) * max_pages_, 0),
      lengths_(max_sequences, 0),
      page_users_(num_pages, 0) {
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    layers_.push_back(at::zeros({num_pages, page_size, row_width_}, at::kFloat));
  }
  for (int page = num_pages - 1; page >= 0; --page) free_pages_.push_back(page);
  for (int sequence = max_sequences - 1; sequence >= 0; --sequence)
    free_sequences_.push_back(sequence);
}

int PagedCache::AllocatePage() {
  GRPO_CHECK(!free_pages_.empty());
  const int page = free_pages_.back();
  free_pages_.pop_back();
  page_users_[page] = 1;
  peak_pages_ = std::max(peak_pages_, static_cast<int>(page_users_.size() - free_pages_.size()));
  return page;
}

int64_t PagedCache::page_bytes() const {
  return static_cast<int64_t>(layers_.size()) * page_size_ * row_width_ * sizeof(float);
}

int PagedCache::NewSequence() {
  GRPO_CHECK(!free_sequences_.empty());
  const int sequence = free_sequences_.back();
  free_sequences_.pop_back();
  lengths_[sequence] = 0;
  return sequence;
}

int PagedCache::Fork(int parent) {
  const int child = NewSequence();
  const int whole = lengths_[parent] / page_size_, rest = lengths_[parent] % page_size_;
  for (int i = 0; i < whole; ++i) {
    Page(child, i) = Page(parent, i);
    ++page_users_[Page(parent, i)];
  }
  lengths_[child] = lengths_[parent];
  if (rest == 0) return child;
  Page(child, whole) = AllocatePage();
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    const float* from = Row(layer, parent, whole * page_size_);
    std::copy_n(from, static_cast<size_t>(rest) * row_width_,
                Row(layer, child, whole * page_size_));
  }
  return child;
}

void PagedCache::Extend(int sequence) {
  const int position = lengths_[sequence]++;
  GRPO_CHECK(position / page_size_ < max_pages_);
  if (position % page_size_ == 0) Page(sequence, position / page_size_) = AllocatePage();
}

void PagedCache::Release(int sequence) {
  for (int i = 0; i < PagesFor(lengths_[sequence]); ++i) {
    if (--page_users_[Page(sequence, i)] == 0) free_pages_.push_back(Page(sequence, i));
  }
  lengths_[sequence] = 0;
  free_sequences_.push_back(sequence);
}

float* PagedCache::Row(int layer, int sequence, int position) {
  const int64_t slot = static_cast<int64_t>(Page(sequence, position / page_size_)) * page_size_ +
                       position % page_size_;
  return layers_[layer].mutable_data_ptr<float>() + slot * row_width_;
}

}  // namespace grpo
