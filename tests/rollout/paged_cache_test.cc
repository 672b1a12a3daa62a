#include "rollout/paged_cache.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

PolicyConfig Config() {
  PolicyConfig config;
  config.num_hidden_layers = 2;
  config.kv_lora_rank = 3;
  config.qk_rope_head_dim = 2;
  return config;
}

PagedCache Cache() {
  return PagedCache(Config(), /*num_pages=*/8, /*page_size=*/4, /*max_sequences=*/4,
                    /*max_tokens=*/16);
}

int Fill(PagedCache& cache, int tokens) {
  const int sequence = cache.NewSequence();
  for (int t = 0; t < tokens; ++t) {
    cache.Extend(sequence);
    for (int layer = 0; layer < 2; ++layer) cache.Row(layer, sequence, t)[0] = 100 * layer + t;
  }
  return sequence;
}

TEST(PagedCacheTest, SharesWholePagesOfAForkAndCopiesThePartialOne) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, 6);
  EXPECT_EQ(cache.free_pages(), 6);
  const int child = cache.Fork(parent);
  EXPECT_EQ(cache.free_pages(), 5);
  EXPECT_EQ(cache.Row(0, child, 3), cache.Row(0, parent, 3));
  EXPECT_NE(cache.Row(0, child, 5), cache.Row(0, parent, 5));
  EXPECT_EQ(cache.Row(1, child, 5)[0], 105);
}

TEST(PagedCacheTest, KeepsAForkIntactWhenItsSiblingWritesOn) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, 6);
  const int a = cache.Fork(parent), b = cache.Fork(parent);
  cache.Extend(a);
  cache.Row(0, a, 6)[0] = -1;
  cache.Extend(b);
  cache.Row(0, b, 6)[0] = -2;
  EXPECT_EQ(cache.Row(0, a, 6)[0], -1);
  EXPECT_EQ(cache.Row(0, b, 6)[0], -2);
}

TEST(PagedCacheTest, ReturnsEveryPageWhenAllSequencesAreReleased) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, 8);
  const int child = cache.Fork(parent);
  cache.Extend(child);
  cache.Release(parent);
  EXPECT_EQ(cache.free_pages(), 5);
  EXPECT_EQ(cache.Row(1, child, 7)[0], 107);
  cache.Release(child);
  EXPECT_EQ(cache.free_pages(), 8);
  EXPECT_EQ(cache.free_sequences(), 4);
}

}  // namespace
}  // namespace grpo
