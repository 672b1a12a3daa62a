// The kernels' only implementation. CMake compiles this file once for each instruction set, with
// GRPO_ISA naming the namespace and GRPO_VECTOR_BYTES the register width.
#include "policy/kernels/kernels.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <vector>

#include "policy/kernels/exp.h"
#include "policy/kernels/vectors.h"

namespace grpo {
namespace GRPO_ISA {
namespace {

// ---- Matrix product
// -----------------------------------------------------------------------------------------

constexpr int kTileRows = GRPO_VECTOR_BYTES == 64 ? 12 : 6;
constexpr int kTileVectors = 2;
constexpr int kAhead = 12;   // steps of k by which rows of B are fetched early
constexpr int kDepth = 256;  // of a packed block of B: stays in the second-level cache

// One tile of C: kRows x (kVectors vectors, the last one perhaps not whole), over `depth` steps of
// k, each a row of b. The loops over `sum` are unrolled, all of them: otherwise it lives in memory,
// not in registers.
template <typename T, int kRows, int kVectors>
void Tile(int depth, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_stride, T* c,
          int64_t ldc, bool load_c, int columns) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kLanes = VectorOf<T>::kLanes;
  Vector sum[kRows][kVectors];
  const int last = columns - (kVectors - 1) * kLanes;  // of the last vector's lanes
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      const T* const from = c + i * ldc + v * kLanes;
      if (!load_c) {
        sum[i][v] = Vector{};
      } else {
        sum[i][v] = v + 1 < kVectors || last == kLanes ? Load(from) : LoadPart(from, last);
      }
    }
  }
  for (int k = 0; k < depth; ++k) {
    Vector b_row[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      b_row[v] = Load(b + k * b_stride + v * kLanes);
      __builtin_prefetch(b + (k + kAhead) * b_stride + v * kLanes);
    }
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const T a_value = a[i * a_row + k * a_col];
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        sum[i][v] = MultiplyAdd<T>(a_value, b_row[v], sum[i][v]);
      }
    }
  }
#pragma GCC unroll 12
  for (int i = 0; i < kRows; ++i) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      T* const to = c + i * ldc + v * kLanes;
      if (v + 1 < kVectors || last == kLanes) {
        Store(to, sum[i][v]);
      } else {
        StorePart(to, sum[i][v], last);
      }
    }
  }
}

template <typename T, int kRows>
void TileOfRows(int rows, int depth, const T* a, int64_t a_row, int64_t a_col, const T* b,
                int64_t b_stride, T* c, int64_t ldc, bool load_c, int columns) {
  if (rows == kRows) {
    if (columns <= VectorOf<T>::kLanes) {
      Tile<T, kRows, 1>(depth, a, a_row, a_col, b, b_stride, c, ldc, load_c, columns);
    } else {
      Tile<T, kRows, kTileVectors>(depth, a, a_row, a_col, b, b_stride, c, ldc, load_c, columns);
    }
  } else if constexpr (kRows > 1) {
    TileOfRows<T, kRows - 1>(rows, depth, a, a_row, a_col, b, b_stride, c, ldc, load_c, columns);
  }
}

// columns[k] holds from[j * from_row + k] of all rows j: as many of both as a register has lanes.
template <typename T>
[[gnu::always_inline]] inline void Transpose(
    const T* from, int64_t from_row, typename VectorOf<T>::Type (&columns)[VectorOf<T>::kLanes]) {
#pragma GCC unroll 16
  for (int j = 0; j < VectorOf<T>::kLanes; ++j) {
    columns[j] = Load(from + j * from_row);
  }
  SwapAllBlocks<1>(columns);
}

// Copies a block of B into panels of kWidth columns, [panel][k][column], zeros beyond the last
// column.
template <typename T>
void PackB(int depth, int n, const T* b, int64_t b_row, int64_t b_col, T* packed) {
  constexpr int kLanes = VectorOf<T>::kLanes, kWidth = kLanes * kTileVectors;
  for (int j0 = 0; j0 < n; j0 += kWidth, packed += static_cast<int64_t>(depth) * kWidth) {
    const int columns = std::min(kWidth, n - j0);
    if (columns < kWidth) std::fill_n(packed, static_cast<int64_t>(depth) * kWidth, T{});
    const T* from = b + j0 * b_col;
    if (b_col == 1) {
      for (int k = 0; k < depth; ++k) {
        if (columns == kWidth) {
          std::memcpy(packed + k * kWidth, from + k * b_row, kWidth * sizeof(T));
        } else {
          std::copy_n(from + k * b_row, columns, packed + k * kWidth);
        }
      }
      continue;
    }
    for (int j = 0; j < columns; j += kLanes) {
      const int width = std::min(kLanes, columns - j);
      int k = 0;
      for (; b_row == 1 && width == kLanes && k + kLanes <= depth; k += kLanes) {
        typename VectorOf<T>::Type rows[kLanes];
        Transpose<T>(from + j * b_col + k, b_col, rows);
        for (int r = 0; r < kLanes; ++r) Store(packed + (k + r) * kWidth + j, rows[r]);
      }
      for (int rest = j; rest < j + width; ++rest) {
        for (int r = k; r < depth; ++r) packed[r * kWidth + rest] = from[r * b_row + rest * b_col];
      }
    }
  }
}

template <typename T>
constexpr int PanelWidth() {
  return VectorOf<T>::kLanes * kTileVectors;
}

// Elements of B [k, n] in panels.
template <typename T>
int64_t PackedSize(int n, int k) {
  return (n + PanelWidth<T>() - 1) / PanelWidth<T>() * PanelWidth<T>() * int64_t{k};
}

// Copies rows of A for their tile: [k][kTileRows].
template <typename T>
void PackRows(int depth, const T* a, int64_t a_row, int64_t a_col, T* packed) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  int k = 0;
  if constexpr (kTileRows <= kLanes) {
    for (; a_col == 1 && k + kLanes <= depth; k += kLanes) {
      typename VectorOf<T>::Type rows[kLanes] = {};
#pragma GCC unroll 12
      for (int i = 0; i < kTileRows; ++i) rows[i] = Load(a + i * a_row + k);
      SwapAllBlocks<1>(rows);
      // What a store leaves beyond a tile's rows, the next one overwrites.
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) Store(packed + (k + r) * kTileRows, rows[r]);
    }
  }
  for (; k < depth; ++k) {
    T* to = packed + k * kTileRows;
    if (a_row == 1) {
      std::memcpy(to, a + k * a_col, kTileRows * sizeof(T));
    } else {
      for (int i = 0; i < kTileRows; ++i) to[i] = a[i * a_row + k * a_col];
    }
  }
}

// Rows of A that are copied together, so that they stay in the second-level cache while all of B's
// columns pass by; and from how many columns on copying pays.
constexpr int kBlockOfA = 16 * kTileRows;
constexpr int kFewPanels = 2;

// C = or += A times a packed block of B, whose panels are panel_size apart.
template <typename T>
void MultiplyBlock(int m, int n, int depth, const T* a, int64_t a_row, int64_t a_col,
                   const T* packed, int64_t panel_size, T* c, int64_t ldc, bool load_c) {
  constexpr int kWidth = PanelWidth<T>();
  const bool copy = n > kFewPanels * kWidth;
  T* const rows =
      copy ? Scratch<T, struct PackedRows>(int64_t{kBlockOfA} * depth + VectorOf<T>::kLanes)
           : nullptr;
  for (int begin = 0; begin < m; begin += kBlockOfA) {
    const int end = std::min(m, begin + kBlockOfA);
    const int whole = copy ? begin + (end - begin) / kTileRows * kTileRows : begin;
    for (int i = begin; i < whole; i += kTileRows) {
      PackRows(depth, a + i * a_row, a_row, a_col, rows + int64_t{i - begin} * depth);
    }
    for (int j = 0; j < n; j += kWidth) {
      const T* panel = packed + j / kWidth * panel_size;
      const int columns = std::min(kWidth, n - j);
      for (int i = begin; i < whole; i += kTileRows) {
        TileOfRows<T, kTileRows>(kTileRows, depth, rows + int64_t{i - begin} * depth, 1, kTileRows,
                                 panel, kWidth, c + i * ldc + j, ldc, load_c, columns);
      }
      for (int i = whole; i < end; i += kTileRows) {
        TileOfRows<T, kTileRows>(std::min(kTileRows, end - i), depth, a + i * a_row, a_row, a_col,
                                 panel, kWidth, c + i * ldc + j, ldc, load_c, columns);
      }
    }
  }
}

// Of few rows, packing B would cost more than the sums: its columns come transposed into registers,
// and the sums go on from there, in the same order.
constexpr int kFewRows = GRPO_VECTOR_BYTES == 64 ? 8 : 4;

template <typename T, int kRows>
void FewRows(int n, int k, const T* a, int64_t a_row, const T* b, int64_t b_col, T* c, int64_t ldc,
             bool accumulate) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kLanes = VectorOf<T>::kLanes;
  for (int j0 = 0; j0 + kLanes <= n; j0 += kLanes) {
    const T* from = b + j0 * b_col;
    Vector sum[kRows];
    for (int i = 0; i < kRows; ++i) sum[i] = accumulate ? Load(c + i * ldc + j0) : Vector{};
    int k0 = 0;
    for (; k0 + kLanes <= k; k0 += kLanes) {
      if (j0 + 2 * kLanes <= n) {
        // The rows of the next panel: too many streams for the processor to foresee.
#pragma GCC unroll 16
        for (int j = 0; j < kLanes; ++j) __builtin_prefetch(from + (kLanes + j) * b_col + k0);
      }
      Vector columns[kLanes];
      Transpose<T>(from + k0, b_col, columns);
      const T* a_at[kRows];  // otherwise a register for each of all these elements' addresses
      for (int i = 0; i < kRows; ++i) a_at[i] = a + i * a_row + k0;
#pragma GCC unroll 16
      for (int r = 0; r < kLanes; ++r) {
#pragma GCC unroll 8
        for (int i = 0; i < kRows; ++i) {
          sum[i] = MultiplyAdd<T>(a_at[i][r], columns[r], sum[i]);
        }
      }
    }
    if (k0 < k && k >= kLanes) {  // the last whole block again, for its last columns
      Vector columns[kLanes];
      Transpose<T>(from + k - kLanes, b_col, columns);
      for (; k0 < k; ++k0) {
        const Vector column = columns[kLanes - (k - k0)];
        for (int i = 0; i < kRows; ++i) {
          sum[i] = MultiplyAdd<T>(a[i * a_row + k0], column, sum[i]);
        }
      }
    }
    for (; k0 < k; ++k0) {
      T column[kLanes];
      for (int j = 0; j < kLanes; ++j) column[j] = from[j * b_col + k0];
      for (int i = 0; i < kRows; ++i) {
        sum[i] = MultiplyAdd<T>(a[i * a_row + k0], Load(column), sum[i]);
      }
    }
    for (int i = 0; i < kRows; ++i) Store(c + i * ldc + j0, sum[i]);
  }
}

template <typename T, int kRows>
void FewRowsOf(int rows, int n, int k, const T* a, int64_t a_row, const T* b, int64_t b_col, T* c,
               int64_t ldc, bool accumulate) {
  if (rows == kRows) {
    FewRows<T, kRows>(n, k, a, a_row, b, b_col, c, ldc, accumulate);
  } else if constexpr (kRows > 1) {
    FewRowsOf<T, kRows - 1>(rows, n, k, a, a_row, b, b_col, c, ldc, accumulate);
  }
}

template <typename T>
void Gemm(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_row,
          int64_t b_col, T* c, int64_t ldc, bool accumulate) {
  constexpr int kLanes = VectorOf<T>::kLanes, kWidth = PanelWidth<T>();
  int done = 0;  // columns that need no packing, for they are read once only
  if (m <= kFewRows && b_row == 1 && a_col == 1) {
    FewRowsOf<T, kFewRows>(m, n, k, a, a_row, b, b_col, c, ldc, accumulate);
    done = n / kLanes * kLanes;
  } else if (m <= kTileRows && b_col == 1) {
    for (; done + kWidth <= n; done += kWidth) {
      TileOfRows<T, kTileRows>(m, k, a, a_row, a_col, b + done, b_row, c + done, ldc, accumulate,
                               kWidth);
    }
  }
  if (done == n) return;
  b += done * b_col;
  c += done;
  n -= done;
  T* packed = Scratch<T>(PackedSize<T>(n, std::min(k, kDepth)));
  for (int k0 = 0; k0 < k; k0 += kDepth) {
    const int depth = std::min(kDepth, k - k0);
    PackB<T>(depth, n, b + k0 * b_row, b_row, b_col, packed);
    MultiplyBlock(m, n, depth, a + k0 * a_col, a_row, a_col, packed, int64_t{depth} * kWidth, c,
                  ldc, accumulate || k0 > 0);
  }
  if (k == 0 && !accumulate) {
    for (int i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T{0});
  }
}

template <typename T>
void Pack(int n, int k, const T* b, int64_t b_row, int64_t b_col, T* packed) {
  PackB<T>(k, n, b, b_row, b_col, packed);
}

// With the first k of packed_k rows of B, and its first n columns.
template <typename T>
void GemmPackedPart(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col, const T* packed,
                    int packed_k, T* c, int64_t ldc, bool accumulate) {
  constexpr int kWidth = PanelWidth<T>();
  const int block = m <= kTileRows ? std::max(k, 1) : kDepth;  // read once, or kept in the cache
  for (int k0 = 0; k0 < k; k0 += block) {
    MultiplyBlock(m, n, std::min(block, k - k0), a + k0 * a_col, a_row, a_col, packed + k0 * kWidth,
                  int64_t{packed_k} * kWidth, c, ldc, accumulate || k0 > 0);
  }
}

template <typename T>
void GemmPacked(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col, const T* packed,
                T* c, int64_t ldc, bool accumulate) {
  GemmPackedPart(m, n, k, a, a_row, a_col, packed, k, c, ldc, accumulate);
}

// ---- Small vector arithmetic
// --------------------------------------------------------------------------------

// Sums over fixed lanes, then over the lanes pairwise: one order for one length.
template <typename T>
T SumLanes(typename VectorOf<T>::Type v) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  T lanes[kLanes];
  Store(lanes, v);
  for (int width = kLanes / 2; width > 0; width /= 2) {
    for (int i = 0; i < width; ++i) lanes[i] += lanes[i + width];
  }
  return lanes[0];
}

template <typename T>
T Dot(const T* a, const T* b, int n) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  typename VectorOf<T>::Type sum = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) sum = MultiplyAdd(Load(a + i), Load(b + i), sum);
  T tail = 0;
  for (; i < n; ++i) tail += a[i] * b[i];
  return SumLanes<T>(sum) + tail;
}

// ---- Normalisation, activation, rotation
// ----------------------------------------------------------------------

template <typename T>
void RmsNorm(int rows, int dim, const T* x, int64_t x_stride, const T* weight, T eps, T* y,
             int64_t y_stride, T* inverse_rms) {
  for (int r = 0; r < rows; ++r) {
    const T* in = x + r * x_stride;
    T* out = y + r * y_stride;
    const T inverse = T{1} / std::sqrt(Dot(in, in, dim) / static_cast<T>(dim) + eps);
    for (int i = 0; i < dim; ++i) out[i] = in[i] * inverse * weight[i];
    if (inverse_rms != nullptr) inverse_rms[r] = inverse;
  }
}

// With n = x * inverse: dx = inverse * (w dy - n * mean(n w dy)), dw = sum over rows of dy n.
template <typename T>
void RmsNormBackward(int rows, int dim, const T* dy, int64_t dy_stride, const T* x,
                     int64_t x_stride, const T* weight, const T* inverse_rms, T* dx,
                     int64_t dx_stride, T* dweight) {
  std::vector<T> weighted(dim);
  for (int r = 0; r < rows; ++r) {
    const T* in = x + r * x_stride;
    const T* d_out = dy + r * dy_stride;
    T* d_in = dx + r * dx_stride;
    const T inverse = inverse_rms[r];
    for (int i = 0; i < dim; ++i) weighted[i] = weight[i] * d_out[i];
    const T projection = Dot(weighted.data(), in, dim) * inverse * inverse / static_cast<T>(dim);
    for (int i = 0; i < dim; ++i) d_in[i] = inverse * (weighted[i] - in[i] * projection);
    for (int i = 0; i < dim; ++i) dweight[i] += d_out[i] * (in[i] * inverse);
  }
}

template <typename T>
void SwiGlu(int rows, int width, const T* gate_up, T* y) {
  for (int r = 0; r < rows; ++r) {
    const T* gate = gate_up + static_cast<int64_t>(r) * 2 * width;
    const T* up = gate + width;
    T* out = y + static_cast<int64_t>(r) * width;
    for (int i = 0; i < width; ++i) out[i] = gate[i] / (T{1} + Exp(-gate[i])) * up[i];
  }
}

template <typename T, bool kAgain>
void SwiGluBackwardRows(int rows, int width, const T* dy, const T* gate_up, T* d_gate_up, T* y) {
  for (int r = 0; r < rows; ++r) {
    const T* gate = gate_up + static_cast<int64_t>(r) * 2 * width;
    const T* up = gate + width;
    const T* d_out = dy + static_cast<int64_t>(r) * width;
    T* d_gate = d_gate_up + static_cast<int64_t>(r) * 2 * width;
    T* d_up = d_gate + width;
    T* out = kAgain ? y + static_cast<int64_t>(r) * width : nullptr;
#pragma GCC ivdep
    for (int i = 0; i < width; ++i) {
      const T divisor = T{1} + Exp(-gate[i]), sigmoid = T{1} / divisor;
      const T silu = gate[i] * sigmoid;
      if constexpr (kAgain) out[i] = gate[i] / divisor * up[i];
      d_up[i] = d_out[i] * silu;
      d_gate[i] = d_out[i] * up[i] * (sigmoid + silu * (T{1} - sigmoid));
    }
  }
}

template <typename T>
void SwiGluBackward(int rows, int width, const T* dy, const T* gate_up, T* d_gate_up, T* y) {
  const auto of_rows = y == nullptr ? SwiGluBackwardRows<T, false> : SwiGluBackwardRows<T, true>;
  of_rows(rows, width, dy, gate_up, d_gate_up, y);
}

template <typename T>
void Sigmoid(int rows, int n, const T* x, T* y) {
  for (int r = 0; r < rows; ++r, x += n, y += n) {
    for (int i = 0; i < n; ++i) y[i] = T{1} / (T{1} + Exp(-x[i]));
  }
}

template <typename T>
void Softmax(int rows, int n, const T* x, T* y) {
  for (int r = 0; r < rows; ++r, x += n, y += n) {
    T top = x[0], sum = 0;
    for (int i = 1; i < n; ++i) top = std::max(top, x[i]);
    for (int i = 0; i < n; ++i) y[i] = Exp(x[i] - top);
    for (int i = 0; i < n; ++i) sum += y[i];
    for (int i = 0; i < n; ++i) y[i] /= sum;
  }
}

template <typename T>
void Rope(int rows, int heads, int dim, const T* x, int64_t x_row, int64_t x_head, const T* cos,
          const T* sin, bool halves, bool inverse, T* y, int64_t y_row, int64_t y_head) {
  const int pairs = dim / 2;
  const int step = halves ? 1 : 2, apart = halves ? pairs : 1;  // between pairs, and within one
  const T sign = inverse ? T{-1} : T{1};
  for (int r = 0; r < rows; ++r) {
    for (int h = 0; h < heads; ++h) {
      const T* in = x + r * x_row + h * x_head;
      T* out = y + r * y_row + h * y_head;
      for (int p = 0; p < pairs; ++p) {
        const T c = cos[r * pairs + p], s = sign * sin[r * pairs + p];
        const T first = in[p * step], second = in[p * step + apart];
        out[p * step] = first * c - second * s;
        out[p * step + apart] = first * s + second * c;
      }
    }
  }
}

// ---- Attention
// ------------------------------------------------------------------------------------------------

template <typename T>
T Largest(int n, const T* x) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  T largest = x[0];
  int i = 0;
  if (n >= kLanes) {
    auto top = Load(x);
    for (i = kLanes; i + kLanes <= n; i += kLanes) {
      const auto next = Load(x + i);
      top = next > top ? next : top;
    }
    T lanes[kLanes];
    Store(lanes, top);
    for (const T lane : lanes) largest = std::max(largest, lane);
  }
  for (; i < n; ++i) largest = std::max(largest, x[i]);
  return largest;
}

// In the order of Dot.
template <typename T>
T Sum(int n, const T* x) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  typename VectorOf<T>::Type sum = {};
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) sum += Load(x + i);
  T tail = 0;
  for (; i < n; ++i) tail += x[i];
  return SumLanes<T>(sum) + tail;
}

// Turns scores into exp(score - maximum), in place; returns their sum and the maximum.
template <typename T>
T ExpScores(int n, T* scores, T* maximum) {
  const T top = Largest(n, scores);
  for (int j = 0; j < n; ++j) scores[j] = Exp(scores[j] - top);
  *maximum = top;
  return Sum(n, scores);
}

// Scores of one query row over `visible` keys, in place, become attention weights; returns the log
// of the sum of exponentials. The same for packed and paged attention.
template <typename T>
T WeightsOfScores(int visible, T scale, T* scores) {
  for (int j = 0; j < visible; ++j) scores[j] *= scale;
  T maximum;
  const T sum = ExpScores(visible, scores, &maximum), inverse = T{1} / sum;
  for (int j = 0; j < visible; ++j) scores[j] *= inverse;
  return maximum + std::log(sum);
}

// The stretches of rows that queries see, a prefix's and those of their own sequence: products over
// them, one after the other, give the bits of one product over all rows.
struct Stretch {
  int64_t begin;  // among the packed rows
  int tokens;
  int column;  // of the first, in the matrix of scores
};

// Some query rows of a sequence, which follow one another, with one head or, where all heads share
// their keys, with all of them: then a row of the matrices below is a head of a token.
struct QueryBlock {
  int64_t first;  // of the query rows, among the packed rows
  int tokens;
  int head;  // the first
  int heads;
  int before;  // rows that come before the first query row, its prefix's too
  std::array<Stretch, 2> stretches;

  int rows() const { return tokens * heads; }
  int visible() const { return before + tokens; }
  // Columns that row r sees.
  int seen(int r) const { return before + r / heads + 1; }
};

// Rows of a block: enough that packing keys and values costs little beside multiplying them, few
// enough that little is computed beyond the diagonal, and that scores stay in the cache. The
// backward pass packs them once for all blocks.
constexpr int kBlockRows = 96, kBackwardBlockRows = 48;

// visit(block) for all blocks of the query rows, of the heads from head_begin to head_end.
template <typename T, typename Visit>
void ForEachQueryBlock(const PackedAttentionArgs<T>& args, const QueryRows& queries, int head_begin,
                       int head_end, int block_rows, const Visit& visit) {
  const AttentionShape& shape = args.shape;
  const PackedSpan span = SpanOf(args, queries.sequence);
  const int heads = shape.num_cached_heads == 1 ? shape.num_heads : 1;
  const int most = std::max(1, block_rows / heads), end = queries.first + queries.tokens;
  for (int head = head_begin; head < head_end; head += heads) {
    for (int done = queries.first; done < end; done += most) {
      const int tokens = std::min(most, end - done);
      visit(QueryBlock{.first = span.begin + done,
                       .tokens = tokens,
                       .head = head,
                       .heads = heads,
                       .before = span.prefix_tokens + done,
                       .stretches = {{{span.prefix_begin, span.prefix_tokens, 0},
                                      {span.begin, done + tokens, span.prefix_tokens}}}});
    }
  }
}

// Zeros beyond what a row sees leave the sums of later products as they are: its result does not
// depend on the tokens after it.
template <typename T>
void ClearUnseen(const QueryBlock& block, T* matrix) {
  for (int r = 0; r < block.rows(); ++r) {
    T* row = matrix + int64_t{r} * block.visible();
    std::fill(row + block.seen(r), row + block.visible(), T{0});
  }
}

// Where a block's rows lie in an array [N, H, dim].
template <typename T>
struct BlockRows {
  BlockRows(const AttentionShape& shape, const QueryBlock& block, T* array, int dim)
      : data(array + (block.first * shape.num_heads + block.head) * dim),
        stride(block.heads == 1 ? int64_t{shape.num_heads} * dim : dim) {}
  T* data;
  int64_t stride;
};

template <typename T>
void PackedAttention(const PackedAttentionArgs<T>& args, const QueryRows& queries, T* out,
                     T* log_sum_exp) {
  const AttentionShape& shape = args.shape;
  const int64_t row_width = shape.row_width();
  ForEachQueryBlock(args, queries, 0, shape.num_heads, kBlockRows, [&](const QueryBlock& block) {
    const int rows = block.rows(), visible = block.visible();
    T* const weights = Scratch<T, struct AttentionWeights>(int64_t{rows} * visible);
    const BlockRows<const T> q(shape, block, args.q, shape.key_dim);
    const BlockRows<T> to(shape, block, out, shape.value_dim);
    const BlockRows<T> log_sums(shape, block, log_sum_exp, 1);
    const T* keys = args.rows + int64_t{block.head / shape.group()} * shape.row_dim;
    for (const Stretch& stretch : block.stretches) {
      Gemm<T>(rows, stretch.tokens, shape.key_dim, q.data, q.stride, 1,
              keys + stretch.begin * row_width, 1, row_width, weights + stretch.column, visible,
              false);
    }
    for (int r = 0; r < rows; ++r) {
      log_sums.data[r * log_sums.stride] =
          WeightsOfScores<T>(block.seen(r), shape.scale, weights + int64_t{r} * visible);
    }
    ClearUnseen(block, weights);
    for (const Stretch& stretch : block.stretches) {
      if (stretch.tokens == 0) continue;
      Gemm<T>(rows, shape.value_dim, stretch.tokens, weights + stretch.column, visible, 1,
              keys + shape.value_begin + stretch.begin * row_width, row_width, 1, to.data,
              to.stride, stretch.column > 0);
    }
  });
}

// Keys and values of a stretch of rows, as products of the backward pass read them, for as many of
// the first rows as those multiply.
template <typename T>
class KeysAndValues {
 public:
  // `scratch` has Size elements, or is null: then they are packed anew for every product, in
  // bfloat16, from `halves`, which holds the same as `rows`.
  KeysAndValues(const AttentionShape& shape, const T* rows, int tokens, T* scratch,
                const Bf16AttentionFactors* factors, const BFloat16* halves)
      : shape_(shape), tokens_(tokens), packed_(scratch), factors_(factors), halves_(halves) {
    if (factors != nullptr) return;
    const int64_t row_width = shape.row_width();
    const T* values = rows + shape.value_begin;
    turned_values_ = scratch + PackedSize<T>(tokens, shape.key_dim);
    keys_ = turned_values_ + PackedSize<T>(tokens, shape.value_dim);
    PackB<T>(shape.key_dim, tokens, rows, 1, row_width, packed_);
    PackB<T>(shape.value_dim, tokens, values, 1, row_width, turned_values_);
    PackB<T>(tokens, shape.key_dim, rows, row_width, 1, keys_);
  }
  static int64_t Size(const AttentionShape& shape, int tokens) {
    return PackedSize<T>(tokens, shape.key_dim) + PackedSize<T>(tokens, shape.value_dim) +
           PackedSize<T>(shape.key_dim, tokens);
  }

  // c [m, n] = a [m, key_dim] keys^T, and a [m, value_dim] values^T, of n rows.
  void TimesKeysTransposed(int m, int n, const T* a, int64_t a_row, T* c, int64_t ldc) const {
    TimesTransposed(m, n, shape_.key_dim, a, a_row, packed_, halves_, c, ldc);
  }
  void TimesValuesTransposed(int m, int n, const T* a, int64_t a_row, T* c, int64_t ldc) const {
    const BFloat16* const halves = halves_ == nullptr ? nullptr : halves_ + shape_.value_begin;
    TimesTransposed(m, n, shape_.value_dim, a, a_row, turned_values_, halves, c, ldc);
  }
  // c [m, key_dim] = or += a [m, k] keys of k rows.
  void TimesKeys(int m, int k, const T* a, int64_t a_row, T* c, int64_t ldc,
                 bool accumulate) const {
    if constexpr (std::is_same_v<T, float>) {
      if (factors_ != nullptr) {
        return factors_->gemm(m, shape_.key_dim, k, a, a_row, 1, halves_, shape_.row_width(), 1, c,
                              ldc, accumulate);
      }
    }
    GemmPackedPart<T>(m, shape_.key_dim, k, a, a_row, 1, keys_, tokens_, c, ldc, accumulate);
  }

 private:
  void TimesTransposed(int m, int n, int k, const T* a, int64_t a_row, const T* packed,
                       const BFloat16* halves, T* c, int64_t ldc) const {
    if constexpr (std::is_same_v<T, float>) {
      if (factors_ != nullptr) {
        return factors_->gemm(m, n, k, a, a_row, 1, halves, 1, shape_.row_width(), c, ldc, false);
      }
    }
    GemmPacked<T>(m, n, k, a, a_row, 1, packed, c, ldc, false);
  }

  const AttentionShape& shape_;
  const int tokens_;
  T* const packed_;
  T* turned_values_ = nullptr;
  T* keys_ = nullptr;
  const Bf16AttentionFactors* const factors_;
  const BFloat16* const halves_;
};

// With p the attention weights, k and v the cached keys and values: ds = p (do v^T - do . o) scale;
// dq = ds k; dk = ds^T q; dv = p^T do.
template <typename T>
void SequenceBackward(const PackedAttentionArgs<T>& args, int sequence, int cached_head,
                      const KeysAndValues<T>* prefix, const KeysAndValues<T>& own, const T* out,
                      const T* log_sum_exp, const T* d_out, const Bf16AttentionFactors* factors,
                      T* dq, T* d_rows) {
  const AttentionShape& shape = args.shape;
  const int64_t row_width = shape.row_width(), keys_at = int64_t{cached_head} * shape.row_dim;
  const T scale = shape.scale;
  const KeysAndValues<T>* const seen[] = {prefix, &own};
  // c += a^T b of `rows` rows, b from an entry of `from` on, or of what is the same in bfloat16.
  const auto add_product = [&](int m, int n, int rows, const T* a, int64_t a_row, const T* from,
                               const T* b, const BFloat16* Bf16AttentionFactors::*halves,
                               int64_t b_row, T* c) {
    if constexpr (std::is_same_v<T, float>) {
      if (factors != nullptr) {
        return factors->gemm(m, n, rows, a, 1, a_row, factors->*halves + (b - from), b_row, 1, c,
                             row_width, true);
      }
    }
    Gemm<T>(m, n, rows, a, 1, a_row, b, b_row, 1, c, row_width, true);
  };
  const auto visit = [&](const QueryBlock& block) {
    const int rows = block.rows(), visible = block.visible();
    T* const weights = Scratch<T, struct AttentionWeights>(int64_t{rows} * visible);
    T* const d_scores = Scratch<T, struct AttentionGradients>(int64_t{rows} * visible);
    const BlockRows<const T> q(shape, block, args.q, shape.key_dim);
    const BlockRows<T> d_q(shape, block, dq, shape.key_dim);
    const BlockRows<const T> o(shape, block, out, shape.value_dim);
    const BlockRows<const T> d_o(shape, block, d_out, shape.value_dim);
    const BlockRows<const T> log_sums(shape, block, log_sum_exp, 1);
    for (int i = 0; i < 2; ++i) {
      const Stretch& stretch = block.stretches[i];
      if (stretch.tokens == 0) continue;
      seen[i]->TimesKeysTransposed(rows, stretch.tokens, q.data, q.stride, weights + stretch.column,
                                   visible);
      seen[i]->TimesValuesTransposed(rows, stretch.tokens, d_o.data, d_o.stride,
                                     d_scores + stretch.column, visible);
    }
    for (int r = 0; r < rows; ++r) {
      T* weight = weights + int64_t{r} * visible;
      T* d_score = d_scores + int64_t{r} * visible;
      const T log_sum = log_sums.data[r * log_sums.stride];
      const T out_dot = Dot(d_o.data + r * d_o.stride, o.data + r * o.stride, shape.value_dim);
      const int count = block.seen(r);
      for (int j = 0; j < count; ++j) weight[j] = Exp(weight[j] * scale - log_sum);
      for (int j = 0; j < count; ++j) d_score[j] = weight[j] * (d_score[j] - out_dot) * scale;
    }
    ClearUnseen(block, weights);
    ClearUnseen(block, d_scores);
    for (int i = 0; i < 2; ++i) {
      const Stretch& stretch = block.stretches[i];
      if (stretch.tokens == 0) continue;
      T* d_cached = d_rows + stretch.begin * row_width + keys_at;
      const T* d_score = d_scores + stretch.column;
      seen[i]->TimesKeys(rows, stretch.tokens, d_score, visible, d_q.data, d_q.stride,
                         stretch.column > 0);
      add_product(stretch.tokens, shape.key_dim, rows, d_score, visible, args.q, q.data,
                  &Bf16AttentionFactors::q, q.stride, d_cached);
      add_product(stretch.tokens, shape.value_dim, rows, weights + stretch.column, visible, d_out,
                  d_o.data, &Bf16AttentionFactors::d_out, d_o.stride, d_cached + shape.value_begin);
    }
  };
  const int head = cached_head * shape.group();
  // In bfloat16 a product packs its own keys and values, so that blocks are larger.
  ForEachQueryBlock(args, {sequence, 0, SpanOf(args, sequence).tokens}, head, head + shape.group(),
                    factors == nullptr ? kBackwardBlockRows : kBlockRows, visit);
}

template <typename T>
void PackedAttentionBackward(const PackedAttentionArgs<T>& args, const int* sequences, int count,
                             int cached_head, const T* out, const T* log_sum_exp, const T* d_out,
                             const Bf16AttentionFactors* factors, T* dq, T* d_rows) {
  const AttentionShape& shape = args.shape;
  const auto packed = [&](int64_t begin, int tokens, auto scratch) {
    const int64_t at = begin * shape.row_width() + int64_t{cached_head} * shape.row_dim;
    return KeysAndValues<T>(
        shape, args.rows + at, tokens,
        factors == nullptr ? scratch(KeysAndValues<T>::Size(shape, tokens)) : nullptr, factors,
        factors == nullptr ? nullptr : factors->rows + at);
  };
  std::optional<KeysAndValues<T>> prefix;  // packed once for all that follow it
  int64_t prefix_begin = -1;
  for (int i = 0; i < count; ++i) {
    const PackedSpan span = SpanOf(args, sequences[i]);
    if (span.prefix_tokens > 0 && span.prefix_begin != prefix_begin) {
      prefix.emplace(
          packed(span.prefix_begin, span.prefix_tokens, Scratch<T, struct PackedPrefix>));
      prefix_begin = span.prefix_begin;
    }
    const KeysAndValues<T> own = packed(span.begin, span.tokens, Scratch<T, struct PackedOwn>);
    SequenceBackward(args, sequences[i], cached_head, prefix.has_value() ? &*prefix : nullptr, own,
                     out, log_sum_exp, d_out, factors, dq, d_rows);
  }
}

template <typename T>
const T* Page(const PagedQueries<T>& args, int index) {
  return args.pages + args.table[index] * args.page_size * args.shape.row_width();
}

// The processor does not foresee where the next page lies.
template <typename T>
void FetchAhead(const PagedQueries<T>& args, int index) {
  const char* page = reinterpret_cast<const char*>(Page(args, index));
  const int64_t bytes = args.page_size * args.shape.row_width() * sizeof(T);
  for (int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(page + at);
}

// Scores of as many tokens as a register has lanes, for `heads` queries of which column k is
// q_columns[k]: a register of heads for each token, then turned around. scores[h] are score_row
// apart.
template <typename T>
void ScoresByToken(int heads, int key_dim, const T* q_columns, const T* keys, int64_t key_row,
                   T* scores, int64_t score_row) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  typename VectorOf<T>::Type sum[kLanes] = {};
  for (int k = 0; k < key_dim; ++k) {
    const auto q = Load(q_columns + k * kLanes);
#pragma GCC unroll 16
    for (int t = 0; t < kLanes; ++t) sum[t] = MultiplyAdd<T>(keys[t * key_row + k], q, sum[t]);
  }
  SwapAllBlocks<1>(sum);
  for (int h = 0; h < heads; ++h) Store(scores + h * score_row, sum[h]);
}

// Scores of one page's tokens, those beyond the visible ones too.
template <typename T>
void PageScores(int heads, const PagedQueries<T>& args, const T* q, const T* q_columns,
                const T* keys, T* scores, int64_t score_row) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  const int key_dim = args.shape.key_dim;
  const int64_t row_width = args.shape.row_width();
  if (q_columns == nullptr) {
    Gemm<T>(heads, args.page_size, key_dim, q, key_dim, 1, keys, 1, row_width, scores, score_row,
            false);
    return;
  }
  for (int t = 0; t < args.page_size; t += kLanes) {
    ScoresByToken(heads, key_dim, q_columns, keys + t * row_width, row_width, scores + t,
                  score_row);
  }
}

// out [kRows, value_dim] = weights [kRows, visible] times the values, columns of a tile at a time
// over all pages.
template <typename T, int kRows>
void SumOfValues(const PagedQueries<T>& args, int64_t value_at, const T* weights,
                 int64_t weight_row, T* out) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kLanes = VectorOf<T>::kLanes, kWidth = PanelWidth<T>();
  const int64_t row_width = args.shape.row_width();
  const int visible = args.first_visible, value_dim = args.shape.value_dim;
  int column = 0;
  for (; column + kWidth <= value_dim; column += kWidth) {
    Vector sum[kRows][kTileVectors] = {};
    for (int begin = 0; begin < visible; begin += args.page_size) {
      const T* values = Page(args, begin / args.page_size) + value_at + column;
      const int count = std::min(args.page_size, visible - begin);
      for (int t = 0; t < count; ++t, values += row_width) {
        Vector value[kTileVectors];
        for (int v = 0; v < kTileVectors; ++v) value[v] = Load(values + v * kLanes);
#pragma GCC unroll 12
        for (int i = 0; i < kRows; ++i) {
          const T weight = weights[i * weight_row + begin + t];
#pragma GCC unroll 2
          for (int v = 0; v < kTileVectors; ++v) {
            sum[i][v] = MultiplyAdd<T>(weight, value[v], sum[i][v]);
          }
        }
      }
    }
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kTileVectors; ++v) {
        Store(out + int64_t{i} * value_dim + column + v * kLanes, sum[i][v]);
      }
    }
  }
  if (column == value_dim) return;
  for (int begin = 0; begin < visible; begin += args.page_size) {
    Gemm<T>(kRows, value_dim - column, std::min(args.page_size, visible - begin), weights + begin,
            weight_row, 1, Page(args, begin / args.page_size) + value_at + column, row_width, 1,
            out + column, value_dim, begin > 0);
  }
}

template <typename T, int kRows>
void SumOfValuesOf(int rows, const PagedQueries<T>& args, int64_t value_at, const T* weights,
                   int64_t weight_row, T* out) {
  if (rows == kRows) {
    SumOfValues<T, kRows>(args, value_at, weights, weight_row, out);
  } else if constexpr (kRows > 1) {
    SumOfValuesOf<T, kRows - 1>(rows, args, value_at, weights, weight_row, out);
  }
}

// Heads computed together over the same cached head: one tile's rows.
constexpr int kHeadsTogether = kTileRows;

// One query row: its heads over one page after the other, where they lie.
template <typename T>
void AttendInPlace(const PagedQueries<T>& args, T* out) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  const AttentionShape& shape = args.shape;
  const int visible = args.first_visible, pages = (visible + args.page_size - 1) / args.page_size;
  const int64_t padded = int64_t{pages} * args.page_size;
  T* weights = Scratch<T, struct AttentionWeights>(padded * kHeadsTogether);
  T* columns = Scratch<T, struct QueryColumns>(int64_t{shape.key_dim} * kLanes);
  for (int head = args.head_begin; head < args.head_end;) {
    const int cached = head / shape.group(), in_group = head % shape.group();
    const int left = std::min(shape.group() - in_group, args.head_end - head);
    const int parts = (left + kHeadsTogether - 1) / kHeadsTogether,
              heads = (left + parts - 1) / parts;
    const int64_t key_at = int64_t{cached} * shape.row_dim, value_at = key_at + shape.value_begin;
    const T* q = args.q + int64_t{head} * shape.key_dim;
    // Many heads fill a register; of few, transposing keys costs less than empty lanes.
    const bool by_token = heads > kLanes / 2 && heads <= kLanes && args.page_size % kLanes == 0;
    if (by_token) {
      for (int k = 0; k < shape.key_dim; ++k) {
        for (int h = 0; h < kLanes; ++h)
          columns[k * kLanes + h] = h < heads ? q[h * shape.key_dim + k] : T{0};
      }
    }
    for (int p = 0; p < pages; ++p) {
      if (p + 1 < pages && head == args.head_begin) FetchAhead(args, p + 1);
      PageScores<T>(heads, args, q, by_token ? columns : nullptr, Page(args, p) + key_at,
                    weights + p * args.page_size, padded);
    }
    for (int h = 0; h < heads; ++h) {
      WeightsOfScores<T>(visible, shape.scale, weights + h * padded);
    }
    SumOfValuesOf<T, kHeadsTogether>(heads, args, value_at, weights, padded,
                                     out + int64_t{head} * shape.value_dim);
    head += heads;
  }
}

template <typename T>
void GatherPages(const PagedQueries<T>& args, int visible, T* rows) {
  const int64_t row_width = args.shape.row_width();
  for (int begin = 0; begin < visible; begin += args.page_size) {
    const int count = std::min(args.page_size, visible - begin);
    std::copy_n(Page(args, begin / args.page_size), count * row_width, rows + begin * row_width);
  }
}

// `rows` rows of queries, some heads after one another in each, over gathered rows.
template <typename T>
void AttendGathered(const PagedQueries<T>& args, int head, int heads, int visible, const T* rows,
                    T* weights, T* out) {
  const AttentionShape& shape = args.shape;
  const int64_t row_width = shape.row_width();
  const bool all_heads = heads == shape.num_heads;
  const int m = args.num_rows * heads;
  const int64_t q_row = int64_t{all_heads ? 1 : shape.num_heads} * shape.key_dim,
                out_row = int64_t{all_heads ? 1 : shape.num_heads} * shape.value_dim;
  const T* keys = rows + int64_t{head / shape.group()} * shape.row_dim;
  Gemm<T>(m, visible, shape.key_dim, args.q + int64_t{head} * shape.key_dim, q_row, 1, keys, 1,
          row_width, weights, visible, false);
  for (int i = 0; i < m; ++i) {
    T* row = weights + int64_t{i} * visible;
    const int seen = args.first_visible + i / heads;
    WeightsOfScores<T>(seen, shape.scale, row);
    std::fill_n(row + seen, visible - seen, T{0});
  }
  Gemm<T>(m, shape.value_dim, visible, weights, visible, 1, keys + shape.value_begin, row_width, 1,
          out + int64_t{head} * shape.value_dim, out_row, false);
}

template <typename T>
void PagedAttention(const PagedQueries<T>& args, T* out) {
  if (args.num_rows == 1) return AttendInPlace(args, out);
  const AttentionShape& shape = args.shape;
  const int visible = args.first_visible + args.num_rows - 1;
  // Where all heads share one cached head, all queries are rows of one product.
  const bool together =
      shape.num_cached_heads == 1 && args.head_begin == 0 && args.head_end == shape.num_heads;
  const int heads = together ? shape.num_heads : 1;
  T* rows = Scratch<T, struct GatheredRows>(visible * shape.row_width());
  T* weights = Scratch<T, struct AttentionWeights>(int64_t{args.num_rows} * heads * visible);
  GatherPages(args, visible, rows);
  for (int head = args.head_begin; head < args.head_end; head += heads) {
    AttendGathered(args, head, heads, visible, rows, weights, out);
  }
}

// ---- Sums
// ------------------------------------------------------------------------------------------------

template <typename T>
void Add(int64_t n, const T* x, T* y) {
  for (int64_t i = 0; i < n; ++i) y[i] += x[i];
}

template <typename T>
void WeightedSum(int count, int dim, const T* const* rows, const T* weights, T* y) {
  std::fill_n(y, dim, T{0});
  for (int r = 0; r < count; ++r) {
    const T* row = rows[r];
    const T weight = weights == nullptr ? T{1} : weights[r];
    for (int i = 0; i < dim; ++i) y[i] += weight * row[i];
  }
}

// ---- Vocabulary
// -----------------------------------------------------------------------------------------------

template <typename T>
T LargestOf(int n, const T* x) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kLanes = VectorOf<T>::kLanes;
  Vector tops = Vector{} + x[0];
  int i = 0;
  for (; i + kLanes <= n; i += kLanes) {
    const Vector values = Load(x + i);
    tops = values > tops ? values : tops;
  }
  T top = x[0];
  for (; i < n; ++i) top = std::max(top, x[i]);
  for (int lane = 0; lane < kLanes; ++lane) top = std::max(top, tops[lane]);
  return top;
}

template <typename T>
void LogSumExp(int rows, int n, const T* logits, T inverse_temperature, T* log_sum, T* entropy) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  T* const weights = Scratch<T>(n);
  for (int r = 0; r < rows; ++r) {
    const T* row = logits + static_cast<int64_t>(r) * n;
    const T top = LargestOf(n, row);
    for (int i = 0; i < n; ++i) weights[i] = Exp((row[i] - top) * inverse_temperature);
    typename VectorOf<T>::Type sums = {}, moments = {};
    T sum = 0, moment = 0;
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      const auto weight = Load(weights + i);
      sums += weight;
      moments += weight * Load(row + i);
    }
    for (; i < n; ++i) {
      sum += weights[i];
      moment += weights[i] * row[i];
    }
    sum += SumLanes<T>(sums);
    moment += SumLanes<T>(moments);
    log_sum[r] = top * inverse_temperature + std::log(sum);
    if (entropy != nullptr) entropy[r] = log_sum[r] - moment / sum * inverse_temperature;
  }
}

template <typename T>
void Probabilities(int n, const T* logits, T inverse_temperature, T log_sum, T* p) {
  for (int i = 0; i < n; ++i) p[i] = Exp(logits[i] * inverse_temperature - log_sum);
}

// d logprob[t] / d z_i = [i = t] - p_i and d entropy / d z_i = -p_i (log p_i + entropy), z the
// scaled logits.
template <typename T>
void LogSoftmaxBackward(int rows, int n, T* logits, T inverse_temperature, const T* log_sum,
                        const T* entropy, const int64_t* targets, const T* d_logprob,
                        const T* d_entropy) {
  for (int r = 0; r < rows; ++r) {
    T* row = logits + static_cast<int64_t>(r) * n;
    const T d_entropy_row = d_entropy == nullptr ? T{0} : d_entropy[r];
    for (int i = 0; i < n; ++i) {
      const T log_p = row[i] * inverse_temperature - log_sum[r];
      const T d_scaled = -Exp(log_p) * (d_logprob[r] + d_entropy_row * (log_p + entropy[r]));
      row[i] = d_scaled * inverse_temperature;
    }
    row[targets[r]] += d_logprob[r] * inverse_temperature;
  }
}

template <typename T>
Kernels<T> Table() {
  return {.gemm = Gemm<T>,
          .panel_width = PanelWidth<T>(),
          .pack = Pack<T>,
          .gemm_packed = GemmPacked<T>,
          .rms_norm = RmsNorm<T>,
          .rms_norm_backward = RmsNormBackward<T>,
          .swiglu = SwiGlu<T>,
          .swiglu_backward = SwiGluBackward<T>,
          .sigmoid = Sigmoid<T>,
          .softmax = Softmax<T>,
          .rope = Rope<T>,
          .packed_attention = PackedAttention<T>,
          .packed_attention_backward = PackedAttentionBackward<T>,
          .paged_attention = PagedAttention<T>,
          .dot = Dot<T>,
          .add = Add<T>,
          .weighted_sum = WeightedSum<T>,
          .log_sum_exp = LogSumExp<T>,
          .probabilities = Probabilities<T>,
          .log_softmax_backward = LogSoftmaxBackward<T>};
}

}  // namespace

const Kernels<float>& FloatKernels() {
  static const Kernels<float> table = Table<float>();
  return table;
}
const Kernels<double>& DoubleKernels() {
  static const Kernels<double> table = Table<double>();
  return table;
}

}  // namespace GRPO_ISA
}  // namespace grpo
