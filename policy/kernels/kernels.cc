// The kernels' only implementation. CMake compiles this file once for each instruction set, with
// GRPO_ISA naming the namespace and GRPO_VECTOR_BYTES the register width.
#include "policy/kernels/kernels.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <vector>

namespace grpo {
namespace GRPO_ISA {
namespace {

template <typename T>
struct VectorOf {
  static constexpr int kLanes = GRPO_VECTOR_BYTES / sizeof(T);
  typedef T Type __attribute__((vector_size(GRPO_VECTOR_BYTES)));
};

// Loads and stores without assuming alignment.
template <typename T>
typename VectorOf<T>::Type Load(const T* p) {
  typename VectorOf<T>::Type v;
  std::memcpy(&v, p, sizeof(v));
  return v;
}
template <typename T>
void Store(T* p, typename VectorOf<T>::Type v) {
  std::memcpy(p, &v, sizeof(v));
}

// Memory for packed operands, kept by each thread between calls.
template <typename T>
T* Scratch(size_t count) {
  struct Buffer {
    T* data = nullptr;
    size_t capacity = 0;
    ~Buffer() { std::free(data); }
  };
  thread_local Buffer buffer;
  if (buffer.capacity < count) {
    std::free(buffer.data);
    const size_t bytes = (count * sizeof(T) + 63) / 64 * 64;
    buffer.data = static_cast<T*>(std::aligned_alloc(64, bytes));
    buffer.capacity = count;
  }
  return buffer.data;
}

// ---- Matrix product -----------------------------------------------------------------------------------------

constexpr int kTileRows = GRPO_VECTOR_BYTES == 64 ? 12 : 6;
constexpr int kTileVectors = 2;
constexpr int kDepth = 256;  // of a packed block of B: stays in the second-level cache

// One tile of C: kRows x (kTileVectors vectors), over `depth` steps of k. `b` is packed.
template <typename T, int kRows>
void Tile(int depth, const T* a, int64_t a_row, int64_t a_col, const T* b, T* c, int64_t ldc, bool load_c,
          int columns) {
  using Vector = typename VectorOf<T>::Type;
  constexpr int kLanes = VectorOf<T>::kLanes, kWidth = kLanes * kTileVectors;
  Vector sum[kRows][kTileVectors];
  T edge[kRows][kWidth];
  const bool whole = columns == kWidth;
  if (load_c) {
    for (int i = 0; i < kRows; ++i) {
      const T* row = c + i * ldc;
      if (!whole) {
        std::copy_n(row, columns, edge[i]);
        std::fill(edge[i] + columns, edge[i] + kWidth, T{0});
        row = edge[i];
      }
      for (int v = 0; v < kTileVectors; ++v) sum[i][v] = Load(row + v * kLanes);
    }
  } else {
    for (int i = 0; i < kRows; ++i) {
      for (int v = 0; v < kTileVectors; ++v) sum[i][v] = Vector{};
    }
  }
  for (int k = 0; k < depth; ++k) {
    Vector b_row[kTileVectors];
    for (int v = 0; v < kTileVectors; ++v) b_row[v] = Load(b + k * kWidth + v * kLanes);
#pragma GCC unroll 12
    for (int i = 0; i < kRows; ++i) {
      const T a_value = a[i * a_row + k * a_col];
#pragma GCC unroll 2
      for (int v = 0; v < kTileVectors; ++v) sum[i][v] += a_value * b_row[v];
    }
  }
  for (int i = 0; i < kRows; ++i) {
    T* row = whole ? c + i * ldc : edge[i];
    for (int v = 0; v < kTileVectors; ++v) Store(row + v * kLanes, sum[i][v]);
    if (!whole) std::copy_n(edge[i], columns, c + i * ldc);
  }
}

template <typename T, int kRows>
void TileOfRows(int rows, int depth, const T* a, int64_t a_row, int64_t a_col, const T* b, T* c, int64_t ldc,
                bool load_c, int columns) {
  if (rows == kRows) {
    Tile<T, kRows>(depth, a, a_row, a_col, b, c, ldc, load_c, columns);
  } else if constexpr (kRows > 1) {
    TileOfRows<T, kRows - 1>(rows, depth, a, a_row, a_col, b, c, ldc, load_c, columns);
  }
}

// Copies a block of B into panels of kWidth columns, [panel][k][column], zeros beyond the last column.
template <typename T>
void PackB(int depth, int n, const T* b, int64_t b_row, int64_t b_col, T* packed) {
  constexpr int kWidth = VectorOf<T>::kLanes * kTileVectors;
  for (int j0 = 0; j0 < n; j0 += kWidth, packed += static_cast<int64_t>(depth) * kWidth) {
    const int columns = std::min(kWidth, n - j0);
    if (columns < kWidth) std::fill_n(packed, static_cast<int64_t>(depth) * kWidth, T{0});
    const T* from = b + j0 * b_col;
    if (b_col == 1) {
      for (int k = 0; k < depth; ++k) std::copy_n(from + k * b_row, columns, packed + k * kWidth);
    } else {
      for (int j = 0; j < columns; ++j) {
        for (int k = 0; k < depth; ++k) packed[k * kWidth + j] = from[k * b_row + j * b_col];
      }
    }
  }
}

template <typename T>
void Gemm(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col, const T* b, int64_t b_row, int64_t b_col,
          T* c, int64_t ldc, bool accumulate) {
  constexpr int kWidth = VectorOf<T>::kLanes * kTileVectors;
  const int panels = (n + kWidth - 1) / kWidth;
  T* packed = Scratch<T>(static_cast<size_t>(panels) * kWidth * std::min(k, kDepth));
  for (int k0 = 0; k0 < k; k0 += kDepth) {
    const int depth = std::min(kDepth, k - k0);
    const bool load_c = accumulate || k0 > 0;
    PackB(depth, n, b + k0 * b_row, b_row, b_col, packed);
    for (int panel = 0; panel < panels; ++panel) {
      const int columns = std::min(kWidth, n - panel * kWidth);
      const T* b_panel = packed + static_cast<int64_t>(panel) * depth * kWidth;
      for (int i = 0; i < m; i += kTileRows) {
        TileOfRows<T, kTileRows>(std::min(kTileRows, m - i), depth, a + i * a_row + k0 * a_col, a_row, a_col, b_panel,
                                 c + i * ldc + panel * kWidth, ldc, load_c, columns);
      }
    }
  }
  if (k == 0 && !accumulate) {
    for (int i = 0; i < m; ++i) std::fill_n(c + i * ldc, n, T{0});
  }
}

// ---- Small vector arithmetic --------------------------------------------------------------------------------

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
  for (; i + kLanes <= n; i += kLanes) sum += Load(a + i) * Load(b + i);
  T tail = 0;
  for (; i < n; ++i) tail += a[i] * b[i];
  return SumLanes<T>(sum) + tail;
}

// y += factor * x
template <typename T>
void AddScaled(int n, T factor, const T* x, T* y) {
  for (int i = 0; i < n; ++i) y[i] += factor * x[i];
}

inline double Exp(double x) { return std::exp(x); }

// Within 2 units in the last place of exp on the whole range; branch-free so that loops over it vectorise.
// exp(x) = 2^n exp(r), |r| <= ln(2)/2, the polynomial being the Taylor series to the seventh power.
inline float Exp(float x) {
  const float clamped = std::min(std::max(x, -87.3f), 88.7f);
  const float shifted = clamped * 1.44269504088896341f + 12582912.0f;  // 1.5 * 2^23 rounds to an integer
  const float n = shifted - 12582912.0f;
  float r = clamped - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.0f / 5040.0f;
  p = p * r + 1.0f / 720.0f;
  p = p * r + 1.0f / 120.0f;
  p = p * r + 1.0f / 24.0f;
  p = p * r + 1.0f / 6.0f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof(bits));
  const int32_t exponent = static_cast<int32_t>(static_cast<uint32_t>(bits) << 23) + 0x3f800000;
  float power;
  std::memcpy(&power, &exponent, sizeof(power));
  return x < -87.3f ? 0.0f : p * power;
}

// ---- Normalisation, activation, rotation ----------------------------------------------------------------------

template <typename T>
void RmsNorm(int rows, int dim, const T* x, int64_t x_stride, const T* weight, T eps, T* y, T* inverse_rms) {
  for (int r = 0; r < rows; ++r) {
    const T* in = x + r * x_stride;
    T* out = y + static_cast<int64_t>(r) * dim;
    const T inverse = T{1} / std::sqrt(Dot(in, in, dim) / static_cast<T>(dim) + eps);
    for (int i = 0; i < dim; ++i) out[i] = in[i] * inverse * weight[i];
    if (inverse_rms != nullptr) inverse_rms[r] = inverse;
  }
}

// With n = x * inverse: dx = inverse * (w dy - n * mean(n w dy)), dw = sum over rows of dy n.
template <typename T>
void RmsNormBackward(int rows, int dim, const T* dy, const T* x, int64_t x_stride, const T* weight,
                     const T* inverse_rms, T* dx, T* dweight) {
  std::vector<T> weighted(dim);
  for (int r = 0; r < rows; ++r) {
    const T* in = x + r * x_stride;
    const T* d_out = dy + static_cast<int64_t>(r) * dim;
    T* d_in = dx + static_cast<int64_t>(r) * dim;
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

template <typename T>
void SwiGluBackward(int rows, int width, const T* dy, const T* gate_up, T* d_gate_up) {
  for (int r = 0; r < rows; ++r) {
    const T* gate = gate_up + static_cast<int64_t>(r) * 2 * width;
    const T* up = gate + width;
    const T* d_out = dy + static_cast<int64_t>(r) * width;
    T* d_gate = d_gate_up + static_cast<int64_t>(r) * 2 * width;
    T* d_up = d_gate + width;
    for (int i = 0; i < width; ++i) {
      const T sigmoid = T{1} / (T{1} + Exp(-gate[i]));
      const T silu = gate[i] * sigmoid;
      d_up[i] = d_out[i] * silu;
      d_gate[i] = d_out[i] * up[i] * (sigmoid + silu * (T{1} - sigmoid));
    }
  }
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
void Rope(int rows, int heads, int dim, const T* x, int64_t x_row, int64_t x_head, const T* cos, const T* sin,
          bool inverse, T* y, int64_t y_row, int64_t y_head) {
  const int pairs = dim / 2;
  const T sign = inverse ? T{-1} : T{1};
  for (int r = 0; r < rows; ++r) {
    for (int h = 0; h < heads; ++h) {
      const T* in = x + r * x_row + h * x_head;
      T* out = y + r * y_row + h * y_head;
      for (int p = 0; p < pairs; ++p) {
        const T c = cos[r * pairs + p], s = sign * sin[r * pairs + p];
        const T even = in[2 * p], odd = in[2 * p + 1];
        out[2 * p] = even * c - odd * s;
        out[2 * p + 1] = even * s + odd * c;
      }
    }
  }
}

// ---- Attention ------------------------------------------------------------------------------------------------

// Turns scores into exp(score - maximum), in place; returns their sum and the maximum.
template <typename T>
T ExpScores(int n, T* scores, T* maximum) {
  T top = scores[0];
  for (int j = 1; j < n; ++j) top = std::max(top, scores[j]);
  for (int j = 0; j < n; ++j) scores[j] = Exp(scores[j] - top);
  T sum = 0;
  for (int j = 0; j < n; ++j) sum += scores[j];
  *maximum = top;
  return sum;
}

template <typename T>
void PackedAttention(const PackedAttentionArgs<T>& args, T* out, T* log_sum_exp) {
  const int64_t q_row = static_cast<int64_t>(args.num_heads) * args.query_dim;
  const int64_t v_row = static_cast<int64_t>(args.num_heads) * args.value_dim;
  std::vector<T> scores;
  for (int s = 0; s < args.num_sequences; ++s) {
    const int begin = args.cu_seqlens[s], end = args.cu_seqlens[s + 1];
    scores.resize(std::max<size_t>(scores.size(), end - begin));
    for (int h = 0; h < args.num_heads; ++h) {
      for (int i = begin; i < end; ++i) {
        const T* query = args.q + i * q_row + h * args.query_dim;
        const int visible = i - begin + 1;
        for (int j = 0; j < visible; ++j) {
          scores[j] = args.scale * Dot(query, args.k + (begin + j) * q_row + h * args.query_dim, args.query_dim);
        }
        T maximum;
        const T sum = ExpScores(visible, scores.data(), &maximum);
        T* result = out + i * v_row + h * args.value_dim;
        std::fill_n(result, args.value_dim, T{0});
        const T inverse = T{1} / sum;
        for (int j = 0; j < visible; ++j) {
          AddScaled(args.value_dim, scores[j] * inverse, args.v + (begin + j) * v_row + h * args.value_dim, result);
        }
        log_sum_exp[static_cast<int64_t>(i) * args.num_heads + h] = maximum + std::log(sum);
      }
    }
  }
}

// With p the attention weights: dv_j += p do_i; ds = p (do_i . v_j - do_i . o_i) scale; dq_i += ds k_j;
// dk_j += ds q_i.
template <typename T>
void PackedAttentionBackward(const PackedAttentionArgs<T>& args, const T* out, const T* log_sum_exp, const T* d_out,
                             T* dq, T* dk, T* dv) {
  const int64_t q_row = static_cast<int64_t>(args.num_heads) * args.query_dim;
  const int64_t v_row = static_cast<int64_t>(args.num_heads) * args.value_dim;
  const int rows = args.cu_seqlens[args.num_sequences];
  std::fill_n(dq, rows * q_row, T{0});
  std::fill_n(dk, rows * q_row, T{0});
  std::fill_n(dv, rows * v_row, T{0});
  std::vector<T> weights, d_scores;
  for (int s = 0; s < args.num_sequences; ++s) {
    const int begin = args.cu_seqlens[s], end = args.cu_seqlens[s + 1];
    weights.resize(std::max<size_t>(weights.size(), end - begin));
    d_scores.resize(weights.size());
    for (int h = 0; h < args.num_heads; ++h) {
      for (int i = begin; i < end; ++i) {
        const int visible = i - begin + 1;
        const int64_t q_at = i * q_row + h * args.query_dim, v_at = i * v_row + h * args.value_dim;
        const T log_sum = log_sum_exp[static_cast<int64_t>(i) * args.num_heads + h];
        const T out_dot = Dot(d_out + v_at, out + v_at, args.value_dim);
        for (int j = 0; j < visible; ++j) {
          const int64_t k_at = (begin + j) * q_row + h * args.query_dim;
          weights[j] = args.scale * Dot(args.q + q_at, args.k + k_at, args.query_dim) - log_sum;
          d_scores[j] = Dot(d_out + v_at, args.v + (begin + j) * v_row + h * args.value_dim, args.value_dim);
        }
        for (int j = 0; j < visible; ++j) weights[j] = Exp(weights[j]);
        for (int j = 0; j < visible; ++j) d_scores[j] = weights[j] * (d_scores[j] - out_dot) * args.scale;
        for (int j = 0; j < visible; ++j) {
          const int64_t k_at = (begin + j) * q_row + h * args.query_dim;
          AddScaled(args.value_dim, weights[j], d_out + v_at, dv + (begin + j) * v_row + h * args.value_dim);
          AddScaled(args.query_dim, d_scores[j], args.k + k_at, dq + q_at);
          AddScaled(args.query_dim, d_scores[j], args.q + q_at, dk + k_at);
        }
      }
    }
  }
}

template <typename T>
void PagedAttention(const PagedAttentionArgs<T>& args, T* out) {
  std::vector<T> scores;
  std::vector<const T*> rows;
  for (int n = 0; n < args.num_rows; ++n) {
    const int visible = args.num_visible[n];
    const int32_t* table = args.block_tables + static_cast<int64_t>(args.sequence_of[n]) * args.max_pages;
    rows.resize(visible);
    scores.resize(visible);
    for (int j = 0; j < visible; ++j) {
      const int64_t slot = static_cast<int64_t>(table[j / args.page_size]) * args.page_size + j % args.page_size;
      rows[j] = args.pages + slot * args.row_dim;
    }
    for (int h = 0; h < args.num_heads; ++h) {
      const int64_t head = static_cast<int64_t>(n) * args.num_heads + h;
      const T* query = args.q + head * args.row_dim;
      for (int j = 0; j < visible; ++j) scores[j] = args.scale * Dot(query, rows[j], args.row_dim);
      T maximum;
      const T sum = ExpScores(visible, scores.data(), &maximum);
      T* result = out + head * args.latent_dim;
      std::fill_n(result, args.latent_dim, T{0});
      const T inverse = T{1} / sum;
      for (int j = 0; j < visible; ++j) AddScaled(args.latent_dim, scores[j] * inverse, rows[j], result);
    }
  }
}

// ---- Vocabulary -----------------------------------------------------------------------------------------------

template <typename T>
void LogSumExp(int rows, int n, const T* logits, T inverse_temperature, T* log_sum, T* entropy) {
  constexpr int kLanes = VectorOf<T>::kLanes;
  std::vector<T> weights(n);
  for (int r = 0; r < rows; ++r) {
    const T* row = logits + static_cast<int64_t>(r) * n;
    T top = row[0];
    for (int i = 1; i < n; ++i) top = std::max(top, row[i]);
    for (int i = 0; i < n; ++i) weights[i] = Exp((row[i] - top) * inverse_temperature);
    typename VectorOf<T>::Type sums = {}, moments = {};
    T sum = 0, moment = 0;
    int i = 0;
    for (; i + kLanes <= n; i += kLanes) {
      const auto weight = Load(weights.data() + i);
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

// d logprob[t] / d z_i = [i = t] - p_i and d entropy / d z_i = -p_i (log p_i + entropy), z the scaled logits.
template <typename T>
void LogSoftmaxBackward(int rows, int n, T* logits, T inverse_temperature, const T* log_sum, const T* entropy,
                        const int64_t* targets, const T* d_logprob, const T* d_entropy) {
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
