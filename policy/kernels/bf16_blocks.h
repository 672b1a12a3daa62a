// What all levels of bf16_products.h share: packing, and the order in which blocks of C are
// computed. A level is a class with
//   Element                   what A's elements become
//   kMaxTileRows              rows of a tile of A, at most
//   kBlockTiles               tiles of A, one above the other, in a block of C; where that is 1, a
//                             tile may have fewer rows than Begin was told
//   Convert(from, count, to)  rounds count <= kBf16DepthStep elements, zeros after them
//   Begin(tile_rows)          before the blocks of a call
//   MultiplyBlock(tiles, block)
// and for bf16_attention_blocks.h
//   Round(from, count, to)    as Convert, to BFloat16
//   StoreApart(from, to)      kBf16PanelWidth elements to every second place, nothing between them
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>

#include "policy/kernels/bf16_products.h"
#include "policy/kernels/vectors.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

constexpr int kStep = kBf16DepthStep, kPairs = kStep / 2, kWidth = kBf16PanelWidth;
constexpr int kStepSize = kStep * kWidth;  // elements of a step of a panel

// Of A, the rows that are converted at a time, and the depth: as much of it as leaves A in the
// second-level cache. Between stretches of depth the sums lie in C, which rounds nothing.
constexpr int kMaxRows = 1024, kMinDepth = 512, kMaxDepth = 4096, kConvertedSize = 512 << 10;
// Part of the second-level cache.
constexpr int64_t kCachedPanels = 512 << 10;
// A packed B beyond this is taken not to be cached, and is fetched at least so far ahead.
constexpr int kFewBlocks = 4;
constexpr int64_t kUncached = 1 << 16, kLead = 16 << 10, kLine = 64;
// Places from which it is fetched at once: the processor's own fetching ahead runs but so far in
// each, and memory gives half as much again (Sapphire Rapids).
constexpr int kStreams = 8;

inline int CeilDivide(int64_t a, int64_t b) { return static_cast<int>((a + b - 1) / b); }

// ---- Packing B

// Two elements of a column that follow each other along k: the first in the lower half.
using Pair = uint32_t;

// A step of a panel's columns, of which a column is contiguous and kStep long.
inline void TransposeStep(const BFloat16* b, int64_t b_col, BFloat16* packed) {
  constexpr int kLanes = VectorOf<Pair>::kLanes;
  for (int j = 0; j < kWidth; j += kLanes) {
    for (int p = 0; p < kPairs; p += kLanes) {
      VectorOf<Pair>::Type rows[kLanes];
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        std::memcpy(&rows[i], b + (j + i) * b_col + 2 * p, sizeof(rows[i]));
      }
      SwapAllBlocks<1>(rows);
#pragma GCC unroll 16
      for (int i = 0; i < kLanes; ++i) {
        std::memcpy(packed + 2 * ((p + i) * kWidth + j), &rows[i], sizeof(rows[i]));
      }
    }
  }
}

// The same of columns side by side.
inline void InterleaveStep(const BFloat16* b, int64_t b_row, BFloat16* packed) {
  for (int p = 0; p < kPairs; ++p) {
    const BFloat16 *first = b + 2 * p * b_row, *second = first + b_row;
    Pair pairs[kWidth];
    for (int j = 0; j < kWidth; ++j) pairs[j] = first[j].bits | Pair{second[j].bits} << 16;
    std::memcpy(packed + 2 * p * kWidth, pairs, sizeof(pairs));
  }
}

// The same of fewer columns or less depth, at any strides.
inline void PackEdge(int columns, int depth, const BFloat16* b, int64_t b_row, int64_t b_col,
                     BFloat16* packed) {
  BFloat16 edge[kWidth][kStep] = {};
  for (int j = 0; j < columns; ++j) {
    for (int k = 0; k < depth; ++k) edge[j][k] = b[k * b_row + j * b_col];
  }
  TransposeStep(edge[0], kStep, packed);
}

// The rows or columns of a step are more streams than the processor foresees, so the next ones are
// fetched, as long as there are any: looking for unmapped pages takes long.
inline void FetchLines(const BFloat16* from, int64_t stride) {
  for (int i = 0; i < kWidth; ++i) __builtin_prefetch(from + i * stride, 0, 2);
}

// `columns` and `depth` are what is left of B from here on.
inline void PackStep(int columns, int depth, const BFloat16* b, int64_t b_row, int64_t b_col,
                     BFloat16* packed) {
  if (columns < kWidth || depth < kStep || (b_row != 1 && b_col != 1)) {
    PackEdge(std::min(columns, kWidth), std::min(depth, kStep), b, b_row, b_col, packed);
  } else if (b_row == 1) {
    if (columns >= 2 * kWidth) FetchLines(b + kWidth * b_col, b_col);
    TransposeStep(b, b_col, packed);
  } else {
    if (depth >= 2 * kStep) FetchLines(b + kStep * b_row, b_row);
    InterleaveStep(b, b_row, packed);
  }
}

// Reads B in the order in which it lies.
inline void Pack(int n, int k, const BFloat16* b, int64_t b_row, int64_t b_col, BFloat16* packed) {
  const int64_t panel_size = Bf16PackedSize(1, k);
  const int panels = CeilDivide(n, kWidth), steps = CeilDivide(k, kStep);
  const auto pack_step = [&](int panel, int step) {
    const int j = panel * kWidth, k0 = step * kStep;
    PackStep(n - j, k - k0, b + k0 * b_row + j * b_col, b_row, b_col,
             packed + panel * panel_size + int64_t{step} * kStepSize);
  };
  if (b_col == 1) {
    for (int step = 0; step < steps; ++step) {
      for (int panel = 0; panel < panels; ++panel) pack_step(panel, step);
    }
  } else {
    for (int panel = 0; panel < panels; ++panel) {
      for (int step = 0; step < steps; ++step) pack_step(panel, step);
    }
  }
}

// ---- Where the panels of B come from: packed beforehand, or packed as they are needed

struct Panels {
  const BFloat16* first;  // at the depth asked for
  int64_t stride;         // from panel to panel, elements
};

class PackedB {
 public:
  PackedB(int n, int k, const BFloat16* packed, const BFloat16* next)
      : packed_(packed),
        next_(next),
        panel_size_(Bf16PackedSize(1, k)),
        uncached_(next != nullptr || Bf16PackedSize(n, k) * int64_t{sizeof(BFloat16)} > kUncached) {
  }

  Panels At(int panel, int /*count*/, int k, int /*depth*/) const {
    return {packed_ + panel * panel_size_ + int64_t{k} * kWidth, panel_size_};
  }
  bool uncached() const { return uncached_; }
  const BFloat16* next() const { return next_; }

 private:
  const BFloat16* packed_;
  const BFloat16* next_;
  int64_t panel_size_;
  bool uncached_;
};

class UnpackedB {
 public:
  UnpackedB(int n, const BFloat16* b, int64_t b_row, int64_t b_col)
      : n_(n), b_(b), b_row_(b_row), b_col_(b_col) {}

  Panels At(int panel, int count, int k, int depth) const {
    const int j = panel * kWidth, columns = std::min(count * kWidth, n_ - j);
    BFloat16* packed = Scratch<BFloat16, UnpackedB>(Bf16PackedSize(columns, depth));
    Pack(columns, depth, b_ + k * b_row_ + j * b_col_, b_row_, b_col_, packed);
    return {packed, Bf16PackedSize(1, depth)};
  }
  bool uncached() const { return false; }
  const BFloat16* next() const { return nullptr; }

 private:
  int n_;
  const BFloat16* b_;
  int64_t b_row_, b_col_;
};

// ---- Rows of A, rounded

// Tiles of equally many rows, so that rows beyond the last, which blocks of several tiles compute
// too, are few.
template <typename Level>
struct RowTiles {
  explicit RowTiles(int m)
      : m(m), count(CeilDivide(m, Level::kMaxTileRows)), rows(CeilDivide(m, count)) {}

  int First(int tile) const { return tile * rows; }
  int Within(int tile) const { return std::min(rows, m - First(tile)); }
  int Computed(int tile) const { return Level::kBlockTiles == 1 ? Within(tile) : rows; }

  int m;
  int count;
  int rows;
};

template <typename Level>
void ConvertStep(int count, const float* a, int64_t a_col, typename Level::Element* to) {
  if (a_col == 1) return Level::Convert(a, count, to);
  float row[kStep];
  for (int k = 0; k < count; ++k) row[k] = a[k * a_col];
  Level::Convert(row, count, to);
}

// The same of kFloats columns of A^T, which adjoin there: rows of A that are a column apart.
constexpr int kFloats = VectorOf<float>::kLanes;
template <typename Level>
void ConvertColumns(int rows, int count, const float* a, int64_t a_col,
                    typename Level::Element* to) {
  float turned[kFloats][kStep];
  for (int k = 0; k < kStep; k += kFloats) {
    VectorOf<float>::Type columns[kFloats];
#pragma GCC unroll 16
    for (int j = 0; j < kFloats; ++j) {
      columns[j] = k + j < count ? LoadPart(a + (k + j) * a_col, rows) : VectorOf<float>::Type{};
    }
    SwapAllBlocks<1>(columns);
#pragma GCC unroll 16
    for (int i = 0; i < kFloats; ++i) Store(turned[i] + k, columns[i]);
  }
  for (int i = 0; i < rows; ++i) Level::Convert(turned[i], kStep, to + i * kStep);
}

// The rows of one tile of A, [step][row][kStep], zeros beyond them and beyond the depth.
template <typename Level>
void ConvertTile(int tile_rows, int rows, int depth, const float* a, int64_t a_row, int64_t a_col,
                 typename Level::Element* converted) {
  using Element = typename Level::Element;
  for (int k = 0; k < depth; k += kStep, a += kStep * a_col) {
    const int count = std::min(kStep, depth - k);
    if (a_row == 1 && a_col != 1) {
      for (int i = 0; i < rows; i += kFloats) {
        ConvertColumns<Level>(std::min(kFloats, rows - i), count, a + i, a_col,
                              converted + i * kStep);
      }
      converted += rows * kStep;
    } else {
      for (int i = 0; i < rows; ++i, converted += kStep) {
        ConvertStep<Level>(count, a + i * a_row, a_col, converted);
      }
    }
    std::fill_n(converted, (tile_rows - rows) * kStep, Element{});
    converted += (tile_rows - rows) * kStep;
  }
}

// A as the blocks read it, tile after tile.
template <typename Level>
const typename Level::Element* ConvertA(const RowTiles<Level>& tiles, int depth, const float* a,
                                        int64_t a_row, int64_t a_col) {
  using Element = typename Level::Element;
  const int64_t tile_size = int64_t{tiles.rows} * CeilDivide(depth, kStep) * kStep;
  Element* const converted = Scratch<Element, Level>(tiles.count * tile_size);
  for (int tile = 0; tile < tiles.count; ++tile) {
    ConvertTile<Level>(tiles.Computed(tile), tiles.Within(tile), depth,
                       a + tiles.First(tile) * a_row, a_row, a_col, converted + tile * tile_size);
  }
  return converted;
}

// ---- Blocks of C

// What comes next in B, fetched a few lines with each step: the processor alone fetches nothing
// while a panel is read again for further rows, and does not look across pages.
struct Ahead {
  const char* next = nullptr;
  int64_t stride = 0;  // from stream to stream
  int lines = 0;       // of each stream, a step

  [[gnu::always_inline]] void Fetch(int step) const {
    const char* from = next + step * lines * kLine;
    for (int i = 0; i < lines; ++i, from += kLine) {
#pragma GCC unroll 8
      for (int j = 0; j < kStreams; ++j) __builtin_prefetch(from + j * stride, 0, 2);
    }
  }
};

// Where the steps of a panel lie: here one after the other.
struct ContiguousSteps {
  const BFloat16* first;
  Ahead ahead;

  [[gnu::always_inline]] const BFloat16* At(int step) const {
    return first + int64_t{step} * kStepSize;
  }
  [[gnu::always_inline]] void Fetch(int step) const { ahead.Fetch(step); }
};

// A panel's columns of some tiles' rows.
template <typename Element, typename StepsOfB = ContiguousSteps>
struct Block {
  int tile_rows;
  int steps;
  const Element* a;  // [tile][step][tile_rows][kStep]
  StepsOfB b;        // each [kPairs][kWidth][2]
  float* c;
  int64_t ldc;
  bool load_c;  // adds to C
};

inline void CopyRows(int rows, int columns, const float* from, int64_t from_row, float* to,
                     int64_t to_row) {
  for (int i = 0; i < rows; ++i) std::copy_n(from + i * from_row, columns, to + i * to_row);
}

// A block of which C has only some rows and columns.
template <typename Level, typename AnyBlock>
void MultiplyEdge(int tiles, int rows, int columns, AnyBlock block) {
  alignas(64) float edge[Level::kBlockTiles * Level::kMaxTileRows * kWidth];
  float* const c = block.c;
  if (block.load_c) {
    std::fill_n(edge, tiles * block.tile_rows * kWidth, 0.0f);
    CopyRows(rows, columns, c, block.ldc, edge, kWidth);
  }
  const int64_t ldc = std::exchange(block.ldc, kWidth);
  block.c = edge;
  Level::MultiplyBlock(tiles, block);
  CopyRows(rows, columns, edge, kWidth, c, ldc);
}

// C = or += A B of a stretch of depth.
template <typename Level, typename SourceOfB>
class DepthProduct {
 public:
  using Element = typename Level::Element;

  DepthProduct(int m, int n, int k, int depth, const SourceOfB& b, float* c, int64_t ldc,
               bool load_c)
      : m_(m),
        n_(n),
        k_(k),
        depth_(depth),
        steps_(CeilDivide(depth, kStep)),
        tiles_(m),
        b_(b),
        c_(c),
        ldc_(ldc),
        load_c_(load_c) {}

  void Compute(const float* a, int64_t a_row, int64_t a_col) {
    a_ = ConvertA<Level>(tiles_, depth_, a, a_row, a_col);
    Level::Begin(tiles_.rows);
    const int panels = CeilDivide(n_, kWidth), group = PanelsInGroup();
    for (int p = 0; p < panels; p += group) ComputeGroup(p, std::min(group, panels - p));
  }

 private:
  int Blocks() const { return CeilDivide(tiles_.count, Level::kBlockTiles); }

  // Several panels to each block of rows, so that A is read less often where it is not cached, and
  // B, where it is packed now, in long stretches of its rows. A single block reads a panel but
  // once, best while it is in the first-level cache. Where B comes from memory, few rows leave too
  // little time to fetch a long group: a panel at a time then, while the one before is read.
  int PanelsInGroup() const {
    if (Blocks() == 1) return 2;
    if (b_.uncached() && Blocks() <= kFewBlocks) return 1;
    const int64_t panel_bytes = int64_t{steps_} * kStepSize * sizeof(BFloat16);
    return std::max<int64_t>(1, kCachedPanels / panel_bytes);
  }

  void ComputeGroup(int first_panel, int count) {
    const Panels panels = b_.At(first_panel, count, k_, depth_);
    const int blocks = Blocks();
    constexpr int kStepLines = kStepSize * sizeof(BFloat16) / kLine;
    const int lines = b_.uncached() ? CeilDivide(kStepLines, blocks * kStreams) : 0;
    const int panels_ahead = blocks == 1 ? 1 : count;
    const int64_t panel_bytes = panels.stride * sizeof(BFloat16);
    const int64_t lead = std::max<int64_t>(panels_ahead * panel_bytes, kLead);
    for (int i = 0; i < blocks; ++i) {
      const bool all_fetched = i * lines * kStreams >= kStepLines;
      for (int p = 0; p < count; ++p) {
        const BFloat16* panel = panels.first + p * panels.stride;
        const bool is_last = (first_panel + p + panels_ahead) * kWidth >= n_;
        const char* next = is_last ? reinterpret_cast<const char*>(b_.next())
                                   : reinterpret_cast<const char*>(panel) + lead;
        ComputeBlock(i * Level::kBlockTiles, first_panel + p, panel,
                     {.next = next + int64_t{i} * steps_ * lines * kLine,
                      .stride = int64_t{steps_} * kStepLines * kLine / kStreams,
                      .lines = all_fetched || next == nullptr ? 0 : lines});
      }
    }
  }

  void ComputeBlock(int tile, int panel, const BFloat16* b, Ahead ahead) {
    const int tiles = std::min(Level::kBlockTiles, tiles_.count - tile);
    const int tile_rows = tiles_.Computed(tile);
    const int row = tiles_.First(tile), rows = std::min(tiles * tile_rows, m_ - row);
    const int column = panel * kWidth, columns = std::min(kWidth, n_ - column);
    const Block<Element> block = {.tile_rows = tile_rows,
                                  .steps = steps_,
                                  .a = a_ + int64_t{row} * steps_ * kStep,
                                  .b = {b, ahead},
                                  .c = c_ + row * ldc_ + column,
                                  .ldc = ldc_,
                                  .load_c = load_c_};
    if (rows == tiles * tile_rows && columns == kWidth) {
      Level::MultiplyBlock(tiles, block);
    } else {
      MultiplyEdge<Level>(tiles, rows, columns, block);
    }
  }

  const int m_, n_, k_, depth_, steps_;  // k_: where the depth begins
  const RowTiles<Level> tiles_;
  const SourceOfB& b_;
  float* const c_;
  const int64_t ldc_;
  const bool load_c_;
  const Element* a_ = nullptr;
};

template <typename Level, typename SourceOfB>
void Multiply(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col, const SourceOfB& b,
              float* c, int64_t ldc, bool accumulate) {
  if (k == 0 && !accumulate) {
    for (int i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, 0.0f);
  }
  for (int i = 0; i < m; i += kMaxRows) {
    const int rows = std::min(kMaxRows, m - i);
    const int max_depth = std::clamp(kConvertedSize / rows / kStep * kStep, kMinDepth, kMaxDepth);
    for (int k0 = 0; k0 < k; k0 += max_depth) {
      DepthProduct<Level, SourceOfB>(rows, n, k0, std::min(max_depth, k - k0), b, c + i * ldc, ldc,
                                     accumulate || k0 > 0)
          .Compute(a + i * a_row + k0 * a_col, a_row, a_col);
    }
  }
}

template <typename Level>
void GemmPacked(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col,
                const BFloat16* packed, float* c, int64_t ldc, bool accumulate,
                const BFloat16* next) {
  Multiply<Level>(m, n, k, a, a_row, a_col, PackedB(n, k, packed, next), c, ldc, accumulate);
}

template <typename Level>
void Gemm(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col, const BFloat16* b,
          int64_t b_row, int64_t b_col, float* c, int64_t ldc, bool accumulate) {
  Multiply<Level>(m, n, k, a, a_row, a_col, UnpackedB(n, b, b_row, b_col), c, ldc, accumulate);
}

template <typename Level>
constexpr Bf16Products ProductsOf(const char* name) {
  return {.name = name, .pack = Pack, .gemm_packed = GemmPacked<Level>, .gemm = Gemm<Level>};
}

}  // namespace
}  // namespace GRPO_ISA
}  // namespace grpo
