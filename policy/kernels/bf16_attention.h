// Attention over a paged cache that holds bfloat16, computed in bfloat16: queries are rounded, and
// so are the weights after the softmax; sums, and the softmax itself, are float.
//
// The bits of a query's head depend on its own query, on the rows that it sees, and on the shape:
// never on the other queries or heads of the call, on where pages lie, or on what else is in them,
// as long as those are finite numbers. One level gives one result, as with bf16_products.h.
#pragma once

#include <cstdint>
#include <vector>

#include "policy/kernels/bf16_products.h"

namespace grpo {

// Tokens of a page: what one step of a product with values takes.
inline constexpr int kBf16PageTokens = kBf16DepthStep;
static_assert(kBf16PageTokens == kBf16PanelWidth);

// A page holds for each cached head its keys as bf16_products.h packs a right-hand factor,
// [key_dim, tokens], then its values as it packs [tokens, value_dim], but for the tokens' order,
// which is 0, 16, 1, 17, 2, ... 15, 31. Values that lie among the keys, as with MLA, are not there
// twice: to turn them around for each call takes far less time than to read as much again from
// memory.
inline bool Bf16ValuesAreInKeys(const AttentionShape& shape) {
  return shape.value_begin % kBf16DepthStep == 0 &&
         shape.value_begin + shape.value_dim <= shape.key_dim;
}
inline int64_t Bf16KeyElements(const AttentionShape& shape) {
  return Bf16PackedSize(kBf16PageTokens, shape.key_dim);
}
inline int64_t Bf16HeadElements(const AttentionShape& shape) {
  return Bf16KeyElements(shape) +
         (Bf16ValuesAreInKeys(shape) ? 0 : Bf16PackedSize(shape.value_dim, kBf16PageTokens));
}
inline int64_t Bf16PageElements(const AttentionShape& shape) {
  return shape.num_cached_heads * Bf16HeadElements(shape);
}

// Query rows, which follow one another in a sequence, over its paged cache.
struct Bf16PagedQueries {
  AttentionShape shape;
  const float* q;  // [num_rows, H, key_dim]
  int num_rows;
  int first_visible;  // cached rows that the first query sees, itself among them; the next one more
  const BFloat16* pages;  // [num_pages, Bf16PageElements], at a multiple of 64 bytes best
  const int32_t* table;   // the sequence's pages, in order
  int head_begin;         // of the heads to compute: shares for several threads
  int head_end;
};

struct Bf16Attention {
  const char* name;  // that of the products of the same level

  // A token's row [C, row_dim], rounded, to its place, 0 to kBf16PageTokens - 1, in a page. Threads
  // may write different places of a page at the same time. A page is cleared before its first row.
  void (*store_row)(const AttentionShape& shape, const float* row, int place, BFloat16* page);
  // out [num_rows, H, value_dim], the heads from head_begin to head_end; log_sum_exp [num_rows, H]
  // of the scaled scores (may be null).
  void (*attend)(const Bf16PagedQueries& args, float* out, float* log_sum_exp);
};

// The levels that this processor has, the best first: those of AvailableBf16Products.
const std::vector<const Bf16Attention*>& AvailableBf16Attention();

// The best of them, the level of ActiveBf16Products.
const Bf16Attention& ActiveBf16Attention();

// Of one sequence: the bits that `attention` gives over a paged cache. out [N, H, value_dim];
// log_sum_exp [N, H] of the scaled scores (may be null).
void Bf16PackedAttention(const PackedAttentionArgs<float>& args, int sequence,
                         const Bf16Attention& attention, float* out, float* log_sum_exp);

}  // namespace grpo
