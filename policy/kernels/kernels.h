// The CPU kernels behind the policy's operations, on raw pointers: written once, compiled for
// several instruction sets, chosen at run time. T is float, or double for gradient checks.
//
// Every output element is computed in an order that depends on the shapes of its own row alone,
// never on how many other rows are in the call: a token's result is the same bits in any batch.
//
// Letters: N rows (tokens), D width, H heads, L latent rank, R rotary width, E experts.
#pragma once

#include <cstdint>
#include <cstring>

namespace grpo {

// The upper half of a float. Widening it is exact.
struct BFloat16 {
  uint16_t bits;

  operator float() const {
    const uint32_t widened = uint32_t{bits} << 16;
    float value;
    std::memcpy(&value, &widened, sizeof(value));
    return value;
  }
};

// Attention of H heads over C cached heads, each shared by H / C heads in a row. A token's row
// holds a stretch of row_dim entries for each cached head, in which the key is the first key_dim
// entries and the value the value_dim entries from value_begin.
//   MLA in its latent space: one cached head; key the whole row (latent, then rotary key), value
//   its latent.
//   Grouped-query attention: key, then value.
struct AttentionShape {
  int num_heads;         // H
  int num_cached_heads;  // C, divides H
  int row_dim;
  int key_dim;
  int value_begin;
  int value_dim;
  double scale;  // on the scores

  int group() const { return num_heads / num_cached_heads; }
  int64_t row_width() const { return int64_t{num_cached_heads} * row_dim; }
};

// Causal attention over packed sequences: rows cu_seqlens[s] to cu_seqlens[s + 1] form sequence s,
// after the rows of sequence prefixes[s] where that is not -1: a prompt that several completions
// share stands there once. A prefix comes before the sequences that follow it, and has none itself.
template <typename T>
struct PackedAttentionArgs {
  AttentionShape shape;
  const T* q;                 // [N, H, key_dim]
  const T* rows;              // [N, C, row_dim]
  const int32_t* cu_seqlens;  // [num_sequences + 1]
  const int32_t* prefixes;    // [num_sequences], or null: no sequence has one
  int num_sequences;
};

// Where a sequence's rows are.
struct PackedSpan {
  int64_t begin = 0;  // its own
  int tokens = 0;
  int64_t prefix_begin = 0;  // those before them
  int prefix_tokens = 0;
};

// Inlined always: a copy that was compiled for one instruction set must not serve another.
template <typename T>
[[gnu::always_inline]] inline PackedSpan SpanOf(const PackedAttentionArgs<T>& args, int sequence) {
  PackedSpan span;
  span.begin = args.cu_seqlens[sequence];
  span.tokens = args.cu_seqlens[sequence + 1] - args.cu_seqlens[sequence];
  const int prefix = args.prefixes == nullptr ? -1 : args.prefixes[sequence];
  if (prefix >= 0) {
    span.prefix_begin = args.cu_seqlens[prefix];
    span.prefix_tokens = args.cu_seqlens[prefix + 1] - args.cu_seqlens[prefix];
  }
  return span;
}

// Attention of query rows, which follow one another in a sequence, over its paged cache. Gives the
// bits that packed attention gives.
template <typename T>
struct PagedQueries {
  AttentionShape shape;
  const T* q;  // [num_rows, H, key_dim]
  int num_rows;
  int first_visible;  // cached rows that the first query sees, itself among them; the next one more
  const T* pages;     // [num_pages, page_size, C, row_dim]
  const int32_t* table;  // the sequence's pages, in order
  int page_size;
  int head_begin;  // of the heads to compute: shares for several threads
  int head_end;
};

// Query rows of one sequence that are attended together: those from `first` among its own.
struct QueryRows {
  int sequence;
  int first;
  int tokens;
};

// What a backward pass of attention multiplies with, once more in bfloat16, and such products
// (Bf16Products::gemm).
struct Bf16AttentionFactors {
  const BFloat16* q;      // [N, H, key_dim]
  const BFloat16* rows;   // [N, C, row_dim]
  const BFloat16* d_out;  // [N, H, value_dim]
  void (*gemm)(int m, int n, int k, const float* a, int64_t a_row, int64_t a_col, const BFloat16* b,
               int64_t b_row, int64_t b_col, float* c, int64_t ldc, bool accumulate);
};

template <typename T>
struct Kernels {
  // C[M, N] (row stride ldc) = A[M, K] B, or += when accumulate. A's element (i, k) is a[i * a_row
  // + k * a_col]. B's element (k, j) is b[k * b_row + j * b_col]. Sums over k go in ascending
  // order, one fused multiply-add each.
  void (*gemm)(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col, const T* b,
               int64_t b_row, int64_t b_col, T* c, int64_t ldc, bool accumulate);
  // B once in the order in which products read it, for many of them: panels of panel_width columns,
  // [panel][k][column], the last one padded. gemm_packed gives gemm's bits; columns can be shared
  // out at panel borders.
  int panel_width;
  void (*pack)(int n, int k, const T* b, int64_t b_row, int64_t b_col, T* packed);
  void (*gemm_packed)(int m, int n, int k, const T* a, int64_t a_row, int64_t a_col,
                      const T* packed, T* c, int64_t ldc, bool accumulate);

  // y = x / sqrt(mean(x^2) + eps) * weight; inverse_rms [N] is kept for the backward pass (may be
  // null).
  void (*rms_norm)(int rows, int dim, const T* x, int64_t x_stride, const T* weight, T eps, T* y,
                   int64_t y_stride, T* inverse_rms);
  // dx overwritten, dweight [dim] added to.
  void (*rms_norm_backward)(int rows, int dim, const T* dy, int64_t dy_stride, const T* x,
                            int64_t x_stride, const T* weight, const T* inverse_rms, T* dx,
                            int64_t dx_stride, T* dweight);

  // y[i] = silu(gate_up[i]) * gate_up[width + i].
  void (*swiglu)(int rows, int width, const T* gate_up, T* y);
  // y too, where it is not null: swiglu's bits.
  void (*swiglu_backward)(int rows, int width, const T* dy, const T* gate_up, T* d_gate_up, T* y);

  // Router scores, a row each: sigmoid(x), and softmax(x).
  void (*sigmoid)(int rows, int n, const T* x, T* y);
  void (*softmax)(int rows, int n, const T* x, T* y);

  // Rotates the pairs of [rows, heads, dim] by the angles of cos/sin [rows, dim/2]; inverse rotates
  // back. Pair p is the entries 2p and 2p + 1, or with `halves` p and p + dim/2.
  void (*rope)(int rows, int heads, int dim, const T* x, int64_t x_row, int64_t x_head,
               const T* cos, const T* sin, bool halves, bool inverse, T* y, int64_t y_row,
               int64_t y_head);

  // Of these query rows: out [N, H, value_dim], log_sum_exp [N, H] of the scaled scores.
  void (*packed_attention)(const PackedAttentionArgs<T>& args, const QueryRows& queries, T* out,
                           T* log_sum_exp);
  // Of `count` sequences, best of one prefix, and of the heads that share one cached head: dq
  // [N, H, key_dim], overwritten, and what they add to d_rows [N, C, row_dim], of which no other
  // cached head's part is touched. With `factors` (may be null; T is float) products are in
  // bfloat16.
  void (*packed_attention_backward)(const PackedAttentionArgs<T>& args, const int* sequences,
                                    int count, int cached_head, const T* out, const T* log_sum_exp,
                                    const T* d_out, const Bf16AttentionFactors* factors, T* dq,
                                    T* d_rows);

  // out [num_rows, H, value_dim], the heads from head_begin to head_end.
  void (*paged_attention)(const PagedQueries<T>& args, T* out);

  T (*dot)(const T* a, const T* b, int n);
  // y += x.
  void (*add)(int64_t n, const T* x, T* y);
  // y [dim] = sum of weights[r] * rows[r] over the `count` rows, in their order; weights null:
  // ones.
  void (*weighted_sum)(int count, int dim, const T* const* rows, const T* weights, T* y);

  // Of softmax(logits * inverse_temperature): log of the normaliser (over scaled logits) and
  // entropy, a row each.
  void (*log_sum_exp)(int rows, int n, const T* logits, T inverse_temperature, T* log_sum,
                      T* entropy);
  // p[i] = exp(logits[i] * inverse_temperature - log_sum), one row.
  void (*probabilities)(int n, const T* logits, T inverse_temperature, T log_sum, T* p);
  // logits, in place, become d loss / d logits given d loss / d logprob[target] and d loss / d
  // entropy.
  void (*log_softmax_backward)(int rows, int n, T* logits, T inverse_temperature, const T* log_sum,
                               const T* entropy, const int64_t* targets, const T* d_logprob,
                               const T* d_entropy);
};

// The kernels for this processor (AVX-512, AVX2 with FMA, or baseline).
template <typename T>
const Kernels<T>& ActiveKernels();

// Name of the chosen instruction set: "avx512", "avx2" or "baseline".
const char* ActiveInstructionSet();

}  // namespace grpo
