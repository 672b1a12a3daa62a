// What all levels of bf16_attention.h share. Both products are blocks of bf16_blocks.h: the rows of
// A are the queries' heads that share a cached head, a page's keys are a panel, and a panel of
// values has a step on each page.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>

#include "policy/kernels/bf16_attention.h"
#include "policy/kernels/bf16_blocks.h"
#include "policy/kernels/exp.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

constexpr int kPageTokens = kBf16PageTokens;

// ---- Writing

// A token's key is a column of the keys, a row of the values.
template <typename Level>
void StoreHead(const AttentionShape& shape, const float* row, int place, BFloat16* keys) {
  BFloat16 rounded[kStep];
  for (int k = 0; k < shape.key_dim; k += kStep, keys += kStepSize) {
    Level::Round(row + k, std::min(kStep, shape.key_dim - k), rounded);
    for (int p = 0; p < kPairs; ++p) {
      std::memcpy(keys + 2 * (p * kWidth + place), rounded + 2 * p, sizeof(Pair));
    }
  }
  BFloat16* values = keys + place / 2 * 2 * kWidth + place % 2;
  for (int v = 0; v < shape.value_dim; v += kWidth, values += kStepSize) {
    Level::Round(row + shape.value_begin + v, std::min(kWidth, shape.value_dim - v), rounded);
    Level::StoreApart(rounded, values);
  }
}

template <typename Level>
void StoreRow(const AttentionShape& shape, const float* row, int place, BFloat16* page) {
  for (int c = 0; c < shape.num_cached_heads; ++c) {
    StoreHead<Level>(shape, row + c * shape.row_dim, place, page + c * Bf16HeadElements(shape));
  }
}

// ---- Softmax

using Floats = VectorOf<float>::Type;
constexpr int kFloats = VectorOf<float>::kLanes;

template <int kWidth, int... kLane>
[[gnu::always_inline]] inline Floats LanesApart(Floats v, std::integer_sequence<int, kLane...>) {
  return __builtin_shufflevector(v, v, (kLane ^ kWidth)...);
}

// Combines all lanes pairwise: one order for all.
template <int kWidth, typename Combine>
[[gnu::always_inline]] inline float OverLanes(Floats v, Combine combine) {
  v = combine(v, LanesApart<kWidth>(v, std::make_integer_sequence<int, kFloats>()));
  if constexpr (kWidth > 1) {
    return OverLanes<kWidth / 2>(v, combine);
  } else {
    return v[0];
  }
}

template <int... kLane>
[[gnu::always_inline]] inline Floats LaneNumbers(std::integer_sequence<int, kLane...>) {
  return Floats{static_cast<float>(kLane)...};
}

[[gnu::always_inline]] inline Floats Larger(Floats a, Floats b) { return a > b ? a : b; }

// What the last page holds beyond the visible tokens gets no weight.
inline void HideBeyond(int visible, float* scores) {
  const Floats hidden = Floats{} - std::numeric_limits<float>::infinity();
  const Floats lanes = LaneNumbers(std::make_integer_sequence<int, kFloats>());
  const int page = visible / kPageTokens * kPageTokens;
  if (page == visible) return;
  for (int j = page; j < page + kPageTokens; j += kFloats) {
    Store(scores + j, lanes < static_cast<float>(visible - j) ? Load(scores + j) : hidden);
  }
}

// The scores over a row's visible tokens, in place, become exp(scaled score - maximum) over whole
// pages; returns the maximum and the sum. A page more would add zeros to each lane's sum.
inline std::pair<float, float> ExpScores(int visible, float scale, float* scores) {
  HideBeyond(visible, scores);
  const int padded = CeilDivide(visible, kPageTokens) * kPageTokens;
  Floats tops = Load(scores) * scale;
  for (int j = kFloats; j < padded; j += kFloats) tops = Larger(tops, Load(scores + j) * scale);
  const float top = OverLanes<kFloats / 2>(tops, Larger);
  Floats sums = {};
  for (int j = 0; j < padded; j += kFloats) {
    const Floats weight = Exp(Load(scores + j) * scale - top);
    Store(scores + j, weight);
    sums += weight;
  }
  return {top, OverLanes<kFloats / 2>(sums, [](Floats a, Floats b) { return a + b; })};
}

// Scores become attention weights, rounded to a row of A, of which the pages are to_step apart.
// Returns the log of the sum of exponentials.
template <typename Level>
void RoundedWeights(int visible, int pages, float scale, float* scores, typename Level::Element* to,
                    int64_t to_step, float* log_sum_exp) {
  const auto [top, sum] = ExpScores(visible, scale, scores);
  const float inverse = 1.0f / sum;
  const int seen = CeilDivide(visible, kPageTokens);
  for (int p = 0; p < seen; ++p, scores += kPageTokens, to += to_step) {
    float weights[kPageTokens];
    for (int j = 0; j < kPageTokens; j += kFloats) Store(weights + j, Load(scores + j) * inverse);
    Level::Convert(weights, kPageTokens, to);
  }
  for (int p = seen; p < pages; ++p, to += to_step) {
    std::fill_n(to, kPageTokens, typename Level::Element{});
  }
  if (log_sum_exp != nullptr) *log_sum_exp = top + std::log(sum);
}

// ---- Attention

// A step on each page.
struct PagedSteps {
  const BFloat16* first;  // on page 0
  const int32_t* table;
  int64_t page_size;
  int count;

  [[gnu::always_inline]] const BFloat16* At(int step) const {
    return first + table[step] * page_size;
  }
  // The processor does not foresee where pages lie.
  [[gnu::always_inline]] void Fetch(int step) const {
    constexpr int kAhead = 2;
    if (step + kAhead >= count) return;
    const char* next = reinterpret_cast<const char*>(At(step + kAhead));
    for (int line = 0; line < kStepSize * int{sizeof(BFloat16)} / kLine; ++line) {
      __builtin_prefetch(next + line * kLine, 0, 2);
    }
  }
};

// Some heads, which share a cached head, of all query rows.
template <typename Level>
class SharedHead {
 public:
  using Element = typename Level::Element;

  SharedHead(const Bf16PagedQueries& args, int head, int heads, float* out, float* log_sum_exp)
      : args_(args),
        shape_(args.shape),
        head_(head),
        heads_(heads),
        rows_(args.num_rows * heads),
        tiles_(rows_, Level::kMaxTileRows),
        steps_(CeilDivide(shape_.key_dim, kStep)),
        page_size_(Bf16PageElements(shape_)),
        keys_(args.pages + head / shape_.group() * Bf16HeadElements(shape_)),
        out_(out),
        log_sum_exp_(log_sum_exp) {}

  void Compute() {
    FetchKeys(0);
    Level::Begin(tiles_.rows);
    for (int tile = 0; tile < tiles_.count; tile += Level::kBlockTiles) ComputeBlock(tile);
  }

 private:
  // Query rows and their heads are rows of A in the order (query row, head).
  int64_t HeadOf(int row) const {
    return int64_t{row / heads_} * shape_.num_heads + head_ + row % heads_;
  }
  int Visible(int row) const { return args_.first_visible + row / heads_; }
  const BFloat16* Keys(int page) const { return keys_ + args_.table[page] * page_size_; }

  void FetchKeys(int page) const {
    const char* keys = reinterpret_cast<const char*>(Keys(page));
    const int64_t bytes = Bf16KeyElements(shape_) * sizeof(BFloat16);
    for (int64_t at = 0; at < bytes; at += kLine) __builtin_prefetch(keys + at, 0, 2);
  }

  void ComputeBlock(int tile) {
    const int tiles = std::min(Level::kBlockTiles, tiles_.count - tile);
    const int begin = tile * tiles_.rows, rows = std::min(tiles * tiles_.rows, rows_ - begin);
    const int pages = CeilDivide(Visible(begin + rows - 1), kPageTokens);
    // Not a multiple of a system page: all rows would share few places of the cache.
    const int64_t score_row = int64_t{pages} * kPageTokens + kLine / sizeof(float);
    const int tile_rows = tiles * tiles_.rows;
    Element* const q = Scratch<Element, struct Queries>(int64_t{tile_rows} * steps_ * kStep);
    float* const scores = Scratch<float, struct Scores>(tile_rows * score_row);
    Element* const weights =
        Scratch<Element, struct Weights>(int64_t{tile_rows} * pages * kPageTokens);
    ConvertQueries(begin, rows, tile_rows, q);
    for (int p = 0; p < pages; ++p) MultiplyKeys(p, pages, tiles, q, score_row, scores);
    ConvertScores(begin, rows, tile_rows, pages, score_row, scores, weights);
    MultiplyValues(begin, rows, tiles, pages, weights);
  }

  // Row i of A, in the order of blocks: [tile][step][row][kStep].
  template <typename T>
  T* RowOfA(int i, int steps, T* a) const {
    const int tile = i / tiles_.rows, row = i % tiles_.rows;
    return a + (int64_t{tile} * steps * tiles_.rows + row) * kStep;
  }
  int64_t StepOfA() const { return int64_t{tiles_.rows} * kStep; }

  void ConvertQueries(int begin, int rows, int tile_rows, Element* q) const {
    for (int i = 0; i < tile_rows; ++i) {
      Element* to = RowOfA(i, steps_, q);
      const float* from = args_.q + HeadOf(begin + std::min(i, rows - 1)) * shape_.key_dim;
      for (int k = 0; k < shape_.key_dim; k += kStep, to += StepOfA()) {
        Level::Convert(from + k, std::min(kStep, shape_.key_dim - k), to);
      }
    }
  }

  void MultiplyKeys(int page, int pages, int tiles, const Element* q, int64_t score_row,
                    float* scores) const {
    const bool last = page + 1 == pages;
    const char* next = reinterpret_cast<const char*>(Keys(last ? page : page + 1));
    constexpr int kLines = kStepSize * sizeof(BFloat16) / kLine;
    Level::MultiplyBlock(tiles, Block<Element>{.tile_rows = tiles_.rows,
                                               .steps = steps_,
                                               .a = q,
                                               .b = {Keys(page), {next, last ? 0 : kLines}},
                                               .c = scores + page * kPageTokens,
                                               .ldc = score_row,
                                               .load_c = false});
  }

  // Rows beyond the last repeat it, lest they be slower for what they happen to hold.
  void ConvertScores(int begin, int rows, int tile_rows, int pages, int64_t score_row,
                     float* scores, Element* weights) const {
    const float scale = shape_.scale;
    for (int i = 0; i < rows; ++i) {
      float* log_sum_exp = log_sum_exp_ == nullptr ? nullptr : log_sum_exp_ + HeadOf(begin + i);
      RoundedWeights<Level>(Visible(begin + i), pages, scale, scores + i * score_row,
                            RowOfA(i, pages, weights), StepOfA(), log_sum_exp);
    }
    for (int i = rows; i < tile_rows; ++i) {
      Element* to = RowOfA(i, pages, weights);
      for (int p = 0; p < pages; ++p, to += StepOfA()) std::fill_n(to, kStep, Element{});
    }
  }

  void MultiplyValues(int begin, int rows, int tiles, int pages, const Element* weights) const {
    const BFloat16* values = keys_ + Bf16KeyElements(shape_);
    const bool in_place =
        rows == tiles * tiles_.rows && (args_.num_rows == 1 || heads_ == shape_.num_heads);
    for (int v = 0; v < shape_.value_dim; v += kWidth, values += kStepSize) {
      alignas(64) float edge[Level::kBlockTiles * Level::kMaxTileRows * kWidth];
      const int columns = std::min(kWidth, shape_.value_dim - v);
      const bool whole = in_place && columns == kWidth;
      Level::MultiplyBlock(tiles,
                           Block<Element, PagedSteps>{
                               .tile_rows = tiles_.rows,
                               .steps = pages,
                               .a = weights,
                               .b = {values, args_.table, page_size_, pages},
                               .c = whole ? out_ + HeadOf(begin) * shape_.value_dim + v : edge,
                               .ldc = whole ? shape_.value_dim : kWidth,
                               .load_c = false});
      if (whole) continue;
      for (int i = 0; i < rows; ++i) {
        std::copy_n(edge + i * kWidth, columns, out_ + HeadOf(begin + i) * shape_.value_dim + v);
      }
    }
  }

  const Bf16PagedQueries& args_;
  const AttentionShape& shape_;
  const int head_, heads_, rows_;
  const RowTiles tiles_;
  const int steps_;  // of a key
  const int64_t page_size_;
  const BFloat16* const keys_;  // on page 0
  float* const out_;
  float* const log_sum_exp_;
};

template <typename Level>
void Attend(const Bf16PagedQueries& args, float* out, float* log_sum_exp) {
  const int group = args.shape.group();
  for (int head = args.head_begin; head < args.head_end;) {
    const int heads = std::min(group - head % group, args.head_end - head);
    SharedHead<Level>(args, head, heads, out, log_sum_exp).Compute();
    head += heads;
  }
}

template <typename Level>
constexpr Bf16Attention AttentionOf(const char* name) {
  return {.name = name, .store_row = StoreRow<Level>, .attend = Attend<Level>};
}

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
