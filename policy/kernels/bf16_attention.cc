#include "policy/kernels/bf16_attention.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>

namespace grpo {
namespace {

struct Free {
  void operator()(BFloat16* memory) const { std::free(memory); }
};
using PageMemory = std::unique_ptr<BFloat16[], Free>;

PageMemory ClearedPages(int64_t elements) {
  const size_t bytes = elements * sizeof(BFloat16);  // pages are whole cache lines
  PageMemory memory(static_cast<BFloat16*>(std::aligned_alloc(64, bytes)));
  std::fill_n(memory.get(), elements, BFloat16{});
  return memory;
}

int Pages(int tokens) { return (tokens + kBf16PageTokens - 1) / kBf16PageTokens; }

int LongestSequence(const PackedAttentionArgs<float>& args) {
  int longest = 0;
  for (int s = 0; s < args.num_sequences; ++s) {
    const PackedSpan span = SpanOf(args, s);
    longest = std::max(longest, span.prefix_tokens + span.tokens);
  }
  return longest;
}

}  // namespace

void Bf16PackedAttention(const PackedAttentionArgs<float>& args, const Bf16Attention& attention,
                         float* out, float* log_sum_exp) {
  const AttentionShape& shape = args.shape;
  const int64_t page_size = Bf16PageElements(shape), heads = shape.num_heads;
  std::vector<int32_t> table(Pages(LongestSequence(args)));
  std::iota(table.begin(), table.end(), 0);
  // Sequences after one another find earlier ones' numbers beyond their own, which changes nothing.
  const PageMemory pages = ClearedPages(table.size() * page_size);
  for (int s = 0; s < args.num_sequences; ++s) {
    const PackedSpan span = SpanOf(args, s);
    const int64_t begin = span.begin;
    if (span.tokens == 0) continue;
    for (int t = 0; t < span.prefix_tokens + span.tokens; ++t) {
      const int64_t row =
          t < span.prefix_tokens ? span.prefix_begin + t : begin + t - span.prefix_tokens;
      attention.store_row(shape, args.rows + row * shape.row_width(), t % kBf16PageTokens,
                          pages.get() + t / kBf16PageTokens * page_size);
    }
    const Bf16PagedQueries queries = {.shape = shape,
                                      .q = args.q + begin * heads * shape.key_dim,
                                      .num_rows = span.tokens,
                                      .first_visible = span.prefix_tokens + 1,
                                      .pages = pages.get(),
                                      .table = table.data(),
                                      .head_begin = 0,
                                      .head_end = shape.num_heads};
    attention.attend(queries, out + begin * heads * shape.value_dim,
                     log_sum_exp == nullptr ? nullptr : log_sum_exp + begin * heads);
  }
}

void Bf16PackedAttention(const PackedAttentionArgs<float>& args, float* out, float* log_sum_exp) {
  Bf16PackedAttention(args, ActiveBf16Attention(), out, log_sum_exp);
}

}  // namespace grpo
