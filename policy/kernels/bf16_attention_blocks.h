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

// A token's key is a column of the keys, its value every second element of a row of pairs.
template <typename Level>
void StoreHead(const AttentionShape& shape, const float* row, int place, BFloat16* keys) {
  BFloat16 rounded[kStep];
  for (int k = 0; k < shape.key_dim; k += kStep, keys += kStepSize) {
    Level::Round(row + k, std::min(kStep, shape.key_dim - k), rounded);
    for (int p = 0; p < kPairs; ++p) {
      std::memcpy(keys + 2 * (p * kWidth + place), rounded + 2 * p, sizeof(Pair));
    }
  }
  if (Bf16ValuesAreInKeys(shape)) return;
  BFloat16* values = keys + place % kPairs * 2 * kWidth + place / kPairs;
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

// A step of a page's keys as a step of values. In pairs of tokens that far apart, the two of a pair
// come from two registers at the same place.
inline void KeysToValues(const BFloat16* keys, BFloat16* values) {
  using Pairs = VectorOf<Pair>::Type;
  constexpr int kLanes = VectorOf<Pair>::kLanes;
  for (int t = 0; t < kPairs; t += kLanes) {
    for (int k = 0; k < kStep; k += kLanes) {
      Pairs rows[kLanes];
#pragma GCC unroll 8
      for (int i = 0; i < kLanes / 2; ++i) {
        Pairs first, second;
        std::memcpy(&first, keys + (k + 2 * i) * kWidth + 2 * t, sizeof(first));
        std::memcpy(&second, keys + (k + 2 * i) * kWidth + 2 * (t + kPairs), sizeof(second));
        rows[2 * i] = (first & 0xffff) | (second << 16);
        rows[2 * i + 1] = (first >> 16) | (second & 0xffff0000);
      }
      SwapAllBlocks<1>(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        std::memcpy(values + 2 * ((t + i) * kWidth + k), &rows[i], sizeof(rows[i]));
      }
    }
  }
}

// ---- Softmax

using Floats = VectorOf<float>::Type;

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

inline int PadToPages(int visible) { return CeilDivide(visible, kPageTokens) * kPageTokens; }

inline float LargestScore(int visible, float scale, float* scores) {
  HideBeyond(visible, scores);
  const int padded = PadToPages(visible);
  Floats tops[2] = {Load(scores) * scale, Load(scores + kFloats) * scale};
  for (int j = 2 * kFloats; j < padded; j += 2 * kFloats) {
    for (int v = 0; v < 2; ++v) tops[v] = Larger(tops[v], Load(scores + j + v * kFloats) * scale);
  }
  return OverLanes<kFloats / 2>(Larger(tops[0], tops[1]), Larger);
}

// The scores over a row's visible tokens, in place, become exp(scaled score - maximum) over whole
// pages; returns the sum. A page more would add zeros to each lane's sum.
inline float ExpScores(int visible, float scale, float maximum, float* scores) {
  const int padded = PadToPages(visible);
  Floats sums = {};
  for (int j = 0; j < padded; j += kFloats) {
    const Floats weight = Exp(Load(scores + j) * scale - maximum);
    Store(scores + j, weight);
    sums += weight;
  }
  return OverLanes<kFloats / 2>(sums, [](Floats a, Floats b) { return a + b; });
}

template <int... kLane>
[[gnu::always_inline]] inline void StoreInterleaved(Floats a, Floats b, float* to,
                                                    std::integer_sequence<int, kLane...>) {
  Store(to, __builtin_shufflevector(a, b, (kLane / 2 + kLane % 2 * kFloats)...));
  Store(to + kFloats,
        __builtin_shufflevector(a, b, (kFloats / 2 + kLane / 2 + kLane % 2 * kFloats)...));
}

// A page's weights times `factor`, rounded, in the order of its values.
template <typename Level>
void RoundWeights(const float* weights, float factor, typename Level::Element* to) {
  float pairs[kPageTokens];
  for (int j = 0; j < kPairs; j += kFloats) {
    StoreInterleaved(Load(weights + j) * factor, Load(weights + kPairs + j) * factor, pairs + 2 * j,
                     std::make_integer_sequence<int, kFloats>());
  }
  Level::Convert(pairs, kPageTokens, to);
}

// ---- Attention

// The processor does not foresee where pages lie.
inline void FetchStep(const BFloat16* step) {
  const char* lines = reinterpret_cast<const char*>(step);
  for (int at = 0; at < kStepSize * int{sizeof(BFloat16)}; at += kLine) {
    __builtin_prefetch(lines + at);
  }
}

// The steps of a page's keys; meanwhile the next page's are fetched.
struct KeySteps {
  const BFloat16* first;
  const BFloat16* next;  // null: there are none

  [[gnu::always_inline]] const BFloat16* At(int step) const {
    return first + int64_t{step} * kStepSize;
  }
  [[gnu::always_inline]] void Fetch(int step) const {
    if (next != nullptr) FetchStep(next + int64_t{step} * kStepSize);
  }
};

// A step of values on each page.
struct PagedSteps {
  const BFloat16* first;  // on page 0
  const int32_t* table;
  int64_t page_size;
  int count;

  [[gnu::always_inline]] const BFloat16* At(int step) const {
    return first + table[step] * page_size;
  }
  [[gnu::always_inline]] void Fetch(int step) const {
    constexpr int kAhead = 2;
    if (step + kAhead < count) FetchStep(At(step + kAhead));
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
        tiles_(rows_),
        steps_(CeilDivide(shape_.key_dim, kStep)),
        page_size_(Bf16PageElements(shape_)),
        values_in_keys_(Bf16ValuesAreInKeys(shape_)),
        most_pages_(CeilDivide(Visible(rows_ - 1), kPageTokens)),
        keys_(args.pages + head / shape_.group() * Bf16HeadElements(shape_)),
        out_(out),
        log_sum_exp_(log_sum_exp) {}

  void Compute() {
    for (int step = 0; step < steps_; ++step) FetchStep(Keys(0) + int64_t{step} * kStepSize);
    Level::Begin(tiles_.rows);
    if (values_in_keys_) {
      values_ = Scratch<BFloat16, struct Values>(int64_t{ValuePanels()} * most_pages_ * kStepSize);
    }
    for (int tile = 0; tile < tiles_.count; tile += Level::kBlockTiles) ComputeBlock(tile);
  }

 private:
  static constexpr int kMostRows = Level::kBlockTiles * Level::kMaxTileRows;

  // Query rows and their heads are rows of A in the order (query row, head).
  int64_t HeadOf(int row) const {
    return int64_t{row / heads_} * shape_.num_heads + head_ + row % heads_;
  }
  int ValuePanels() const { return CeilDivide(shape_.value_dim, kWidth); }
  int Visible(int row) const { return args_.first_visible + row / heads_; }
  const BFloat16* Keys(int page) const { return keys_ + args_.table[page] * page_size_; }

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
    for (int p = 0; p < pages; ++p) {
      MultiplyKeys(p, pages, tiles, q, score_row, scores);
      if (values_in_keys_ && p == pages_of_values_) TakeValues(pages_of_values_++);
    }
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
    const BFloat16* next = page + 1 < pages ? Keys(page + 1) : nullptr;
    Level::MultiplyBlock(tiles, Block<Element, KeySteps>{.tile_rows = tiles_.rows,
                                                         .steps = steps_,
                                                         .a = q,
                                                         .b = {Keys(page), next},
                                                         .c = scores + page * kPageTokens,
                                                         .ldc = score_row,
                                                         .load_c = false});
  }

  // While the page's keys are in the first-level cache.
  void TakeValues(int page) {
    const BFloat16* keys = Keys(page) + int64_t{shape_.value_begin} * kWidth;
    BFloat16* values = values_ + int64_t{page} * kStepSize;
    for (int panel = 0; panel < ValuePanels(); ++panel) {
      KeysToValues(keys + panel * kStepSize, values + int64_t{panel} * most_pages_ * kStepSize);
    }
  }

  // Scores become rounded weights, rows of A. Every step for all rows before the next: a step ends
  // with one number, for which a row alone would wait.
  void ConvertScores(int begin, int rows, int tile_rows, int pages, int64_t score_row,
                     float* scores, Element* weights) const {
    const float scale = shape_.scale;
    float maxima[kMostRows], sums[kMostRows];
    for (int i = 0; i < rows; ++i) {
      maxima[i] = LargestScore(Visible(begin + i), scale, scores + i * score_row);
    }
    for (int i = 0; i < rows; ++i) {
      sums[i] = ExpScores(Visible(begin + i), scale, maxima[i], scores + i * score_row);
    }
    for (int i = 0; i < tile_rows; ++i) {
      const int seen = i < rows ? CeilDivide(Visible(begin + i), kPageTokens) : 0;
      const float factor = i < rows ? 1.0f / sums[i] : 0.0f;
      Element* to = RowOfA(i, pages, weights);
      for (int p = 0; p < pages; ++p, to += StepOfA()) {
        if (p < seen) {
          RoundWeights<Level>(scores + i * score_row + p * kPageTokens, factor, to);
        } else {
          std::fill_n(to, kStep, Element{});
        }
      }
    }
    if (log_sum_exp_ == nullptr) return;
    for (int i = 0; i < rows; ++i) {
      log_sum_exp_[HeadOf(begin + i)] = maxima[i] + std::log(sums[i]);
    }
  }

  void MultiplyValues(int begin, int rows, int tiles, int pages, const Element* weights) const {
    for (int panel = 0; panel < ValuePanels(); ++panel) {
      if (values_in_keys_) {
        const BFloat16* values = values_ + int64_t{panel} * most_pages_ * kStepSize;
        MultiplyPanel(begin, rows, tiles, pages, weights, panel, ContiguousSteps{values, {}});
      } else {
        const BFloat16* values = keys_ + Bf16KeyElements(shape_) + int64_t{panel} * kStepSize;
        MultiplyPanel(begin, rows, tiles, pages, weights, panel,
                      PagedSteps{values, args_.table, page_size_, pages});
      }
    }
  }

  template <typename StepsOfB>
  void MultiplyPanel(int begin, int rows, int tiles, int pages, const Element* weights, int panel,
                     const StepsOfB& values) const {
    alignas(64) float edge[kMostRows * kWidth];
    const int v = panel * kWidth, columns = std::min(kWidth, shape_.value_dim - v);
    const bool in_place = rows == tiles * tiles_.rows && columns == kWidth &&
                          (args_.num_rows == 1 || heads_ == shape_.num_heads);
    Level::MultiplyBlock(
        tiles,
        Block<Element, StepsOfB>{.tile_rows = tiles_.rows,
                                 .steps = pages,
                                 .a = weights,
                                 .b = values,
                                 .c = in_place ? out_ + HeadOf(begin) * shape_.value_dim + v : edge,
                                 .ldc = in_place ? shape_.value_dim : kWidth,
                                 .load_c = false});
    if (in_place) return;
    for (int i = 0; i < rows; ++i) {
      std::copy_n(edge + i * kWidth, columns, out_ + HeadOf(begin + i) * shape_.value_dim + v);
    }
  }

  const Bf16PagedQueries& args_;
  const AttentionShape& shape_;
  const int head_, heads_, rows_;
  const RowTiles<Level> tiles_;
  const int steps_;  // of a key
  const int64_t page_size_;
  const bool values_in_keys_;
  const int most_pages_;
  const BFloat16* const keys_;  // on page 0
  // Where values are in keys: the values, [panel][most_pages_][kStepSize].
  BFloat16* values_ = nullptr;
  int pages_of_values_ = 0;  // that are there by now
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
