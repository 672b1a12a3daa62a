#include "policy/kernels/bf16_attention.h"

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <numeric>
#include <vector>

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

}  // namespace

void Bf16PackedAttention(const PackedAttentionArgs<float>& args, int sequence,
                         const Bf16Attention& attention, float* out, float* log_sum_exp) {
  const AttentionShape& shape = args.shape;
  const PackedSpan span = SpanOf(args, sequence);
  if (span.tokens == 0) return;
  const int visible = span.prefix_tokens + span.tokens;
  const int64_t begin = span.begin, page_size = Bf16PageElements(shape), heads = shape.num_heads;
  std::vector<int32_t> table(Pages(visible));
  std::iota(table.begin(), table.end(), 0);
  const PageMemory pages = ClearedPages(table.size() * page_size);
  for (int t = 0; t < visible; ++t) {
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

}  // namespace grpo
