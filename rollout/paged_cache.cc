#include "rollout/paged_cache.h"

#include <algorithm>
#include <utility>

#include <ATen/ATen.h>

#include "data/check.h"
#include "policy/decoder.h"
#include "policy/weights.h"

namespace grpo {

namespace {

int64_t LayerPageBytes(const AttentionShape& shape, int page_size, bool bf16) {
  return bf16 ? Bf16PageElements(shape) * sizeof(BFloat16)
              : page_size * shape.row_width() * sizeof(float);
}

}  // namespace

PagedCache::PagedCache(const PolicyConfig& config, const CacheLimits& limits)
    : page_size_(limits.page_size),
      max_pages_((limits.tokens + limits.page_size - 1) / limits.page_size),
      experts_per_token_(config.num_moe_layers() * config.num_experts_per_tok),
      bf16_(limits.bf16),
      shape_(CachedAttentionShape(config)),
      layer_page_bytes_(LayerPageBytes(shape_, page_size_, bf16_)),
      experts_(static_cast<size_t>(limits.pages) * page_size_ * experts_per_token_),
      block_tables_(static_cast<size_t>(limits.sequences) * max_pages_, 0),
      tokens_(limits.sequences),
      shared_pages_(limits.sequences),
      pages_(limits.pages) {
  GRPO_CHECK(!bf16_ || page_size_ == kBf16PageTokens);
  memory_ = at::empty({config.num_hidden_layers, limits.pages, layer_page_bytes_}, at::kByte);
  AskForHugePages(memory_);
  for (int i = 0; i < config.num_hidden_layers; ++i) {
    layers_.push_back(memory_[i].mutable_data_ptr<uint8_t>());
  }
  for (int page = limits.pages - 1; page >= 0; --page) free_pages_.push_back(page);
  for (int sequence = limits.sequences - 1; sequence >= 0; --sequence)
    free_sequences_.push_back(sequence);
}

int64_t PagedCache::PageBytes(const PolicyConfig& config, int page_size, bool bf16) {
  return config.num_hidden_layers * LayerPageBytes(CachedAttentionShape(config), page_size, bf16);
}

int PagedCache::AllocatePage() {
  if (free_pages_.empty()) EvictPage();
  if (free_pages_.empty()) return kNoPage;
  const int page = free_pages_.back();
  free_pages_.pop_back();
  pages_[page] = PageState{.users = 1};
  if (page >= first_new_) {
    first_new_ = page + 1;
    new_pages_.push_back(page);
  }
  ++held_pages_;
  peak_pages_ = std::max(peak_pages_, static_cast<int>(pages_.size() - free_pages_.size()));
  return page;
}

std::vector<int> PagedCache::TakeNewPages() { return std::exchange(new_pages_, {}); }

void PagedCache::Clear(const std::vector<int>& pages, int layer) {
  for (const int page : pages) {
    std::fill_n(PageMemory(layer, page), layer_page_bytes_, uint8_t{0});
  }
}

// Frees the leaf of the tree that has been unused for longest.
void PagedCache::EvictPage() {
  if (unused_.empty()) return;
  const int page = unused_.begin()->second;
  unused_.erase(unused_.begin());
  PageState& state = pages_[page];
  tree_.erase(Edge(state.parent, state.tokens));
  if (state.parent != kNoPage) {
    PageState& parent = pages_[state.parent];
    --parent.children;
    if (IsUnused(parent)) unused_.emplace(parent.last_use, state.parent);
  }
  state = PageState{};
  free_pages_.push_back(page);
}

void PagedCache::Hold(int page) {
  PageState& state = pages_[page];
  if (IsUnused(state)) unused_.erase({state.last_use, page});
  held_pages_ += state.users == 0;
  ++state.users;
}

void PagedCache::LetGo(int page) {
  PageState& state = pages_[page];
  if (--state.users > 0) return;
  --held_pages_;
  if (!state.in_tree) {
    free_pages_.push_back(page);
    return;
  }
  state.last_use = ++uses_;
  if (IsUnused(state)) unused_.emplace(state.last_use, page);
}

// A page that has become whole. One that is there already, from another sequence, stays outside the
// tree, and so do those after it.
void PagedCache::AddToTree(int sequence, int index) {
  const int page = Page(sequence, index), parent = index > 0 ? Page(sequence, index - 1) : kNoPage;
  if (parent != kNoPage && !pages_[parent].in_tree) return;
  const auto begin = tokens_[sequence].begin() + index * page_size_;
  PageState& state = pages_[page];
  state.tokens.assign(begin, begin + page_size_);
  if (!tree_.try_emplace(Edge(parent, state.tokens), page).second) return;
  state.in_tree = true;
  state.parent = parent;
  if (parent != kNoPage) ++pages_[parent].children;
}

int PagedCache::NewSequence() {
  GRPO_CHECK(!free_sequences_.empty());
  const int sequence = free_sequences_.back();
  free_sequences_.pop_back();
  return sequence;
}

int PagedCache::Adopt(int sequence, const std::vector<int32_t>& tokens) {
  std::vector<int32_t>& held = tokens_[sequence];
  GRPO_CHECK(held.empty());
  int page = kNoPage;
  for (size_t end = page_size_; end < tokens.size(); end += page_size_) {
    const auto begin = tokens.begin() + (end - page_size_);
    const auto found = tree_.find(Edge(page, std::vector<int32_t>(begin, begin + page_size_)));
    if (found == tree_.end()) break;
    page = found->second;
    Hold(page);
    Page(sequence, held.size() / page_size_) = page;
    held.insert(held.end(), begin, begin + page_size_);
  }
  shared_pages_[sequence] = static_cast<int>(held.size()) / page_size_;
  return static_cast<int>(held.size());
}

int PagedCache::Fork(int parent) {
  const int length = this->length(parent), whole = length / page_size_, rest = length % page_size_;
  const int copy = rest > 0 ? AllocatePage() : kNoPage;
  if (rest > 0 && copy == kNoPage) return -1;
  const int child = NewSequence();
  for (int i = 0; i < whole; ++i) {
    Page(child, i) = Page(parent, i);
    Hold(Page(parent, i));
  }
  tokens_[child] = tokens_[parent];
  shared_pages_[child] = whole;
  if (rest == 0) return child;
  Page(child, whole) = copy;
  std::erase(new_pages_, copy);  // written whole, now
  for (size_t layer = 0; layer < layers_.size(); ++layer) {
    std::copy_n(PageMemory(layer, Page(parent, whole)), layer_page_bytes_, PageMemory(layer, copy));
  }
  std::copy_n(Experts(parent, whole * page_size_), static_cast<size_t>(rest) * experts_per_token_,
              Experts(child, whole * page_size_));
  return child;
}

bool PagedCache::Extend(int sequence, int32_t token) {
  const int position = length(sequence), index = position / page_size_;
  GRPO_CHECK(index < max_pages_);
  if (position % page_size_ == 0) {
    const int page = AllocatePage();
    if (page == kNoPage) return false;
    Page(sequence, index) = page;
  }
  tokens_[sequence].push_back(token);
  return true;
}

void PagedCache::Share(int sequence) {
  int& shared = shared_pages_[sequence];
  for (; (shared + 1) * page_size_ <= length(sequence); ++shared) AddToTree(sequence, shared);
}

void PagedCache::Truncate(int sequence, int length) {
  GRPO_CHECK(length >= shared_pages_[sequence] * page_size_);
  for (int i = PagesFor(this->length(sequence)) - 1; i >= PagesFor(length); --i) {
    LetGo(Page(sequence, i));
  }
  tokens_[sequence].resize(length);
}

void PagedCache::Release(int sequence) {
  // The last page first: so it is the one that has been unused for longer.
  for (int i = PagesFor(length(sequence)) - 1; i >= 0; --i) LetGo(Page(sequence, i));
  tokens_[sequence].clear();
  shared_pages_[sequence] = 0;
  free_sequences_.push_back(sequence);
}

void PagedCache::Store(int layer, int sequence, int position, const float* row) {
  uint8_t* page = PageMemory(layer, Page(sequence, position / page_size_));
  const int place = position % page_size_;
  if (bf16_) {
    ActiveBf16Attention().store_row(shape_, row, place, reinterpret_cast<BFloat16*>(page));
  } else {
    std::copy_n(row, shape_.row_width(),
                reinterpret_cast<float*>(page) + place * shape_.row_width());
  }
}

const float* PagedCache::Row(int layer, int sequence, int position) const {
  GRPO_CHECK(!bf16_);
  const uint8_t* page = PageMemory(layer, Table(sequence)[position / page_size_]);
  return reinterpret_cast<const float*>(page) + (position % page_size_) * shape_.row_width();
}

int16_t* PagedCache::Experts(int sequence, int position) {
  const int64_t slot = static_cast<int64_t>(Page(sequence, position / page_size_)) * page_size_ +
                       position % page_size_;
  return experts_.data() + slot * experts_per_token_;
}

}  // namespace grpo
