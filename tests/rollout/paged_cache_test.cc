#include "rollout/paged_cache.h"

#include <numeric>

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
  return PagedCache(Config(), {.pages = 8, .page_size = 4, .sequences = 4, .tokens = 16});
}

std::vector<int32_t> Counting(int tokens) {
  std::vector<int32_t> counting(tokens);
  std::iota(counting.begin(), counting.end(), 0);
  return counting;
}

void Write(PagedCache& cache, int layer, int sequence, int position, float value) {
  const std::vector<float> row(5, value);
  cache.Store(layer, sequence, position, row.data());
}

// A sequence of these tokens that also stand in its rows.
int Fill(PagedCache& cache, const std::vector<int32_t>& tokens) {
  const int sequence = cache.NewSequence();
  for (size_t t = 0; t < tokens.size(); ++t) {
    EXPECT_TRUE(cache.Extend(sequence, tokens[t]));
    for (int layer = 0; layer < 2; ++layer)
      Write(cache, layer, sequence, t, 100 * layer + tokens[t]);
  }
  cache.Share(sequence);
  return sequence;
}

TEST(PagedCacheTest, SharesWholePagesOfAForkAndCopiesThePartialOne) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, Counting(6));
  EXPECT_EQ(cache.free_pages(), 6);
  const int child = cache.Fork(parent);
  EXPECT_EQ(cache.free_pages(), 5);
  EXPECT_EQ(cache.Row(0, child, 3), cache.Row(0, parent, 3));
  EXPECT_NE(cache.Row(0, child, 5), cache.Row(0, parent, 5));
  EXPECT_EQ(cache.Row(1, child, 5)[0], 105);
}

TEST(PagedCacheTest, KeepsAForkIntactWhenItsSiblingWritesOn) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, Counting(6));
  const int a = cache.Fork(parent), b = cache.Fork(parent);
  EXPECT_TRUE(cache.Extend(a, 1));
  Write(cache, 0, a, 6, -1);
  EXPECT_TRUE(cache.Extend(b, 2));
  Write(cache, 0, b, 6, -2);
  EXPECT_EQ(cache.Row(0, a, 6)[0], -1);
  EXPECT_EQ(cache.Row(0, b, 6)[0], -2);
}

TEST(PagedCacheTest, GivesAPageToBeClearedOnceAndNoCopy) {
  PagedCache cache = Cache();
  const int parent = cache.NewSequence();
  for (const int32_t token : Counting(6)) EXPECT_TRUE(cache.Extend(parent, token));
  const std::vector<int> pages = cache.TakeNewPages();
  EXPECT_EQ(pages, std::vector<int>(cache.Table(parent), cache.Table(parent) + 2));
  for (int layer = 0; layer < 2; ++layer) cache.Clear(pages, layer);
  EXPECT_EQ(cache.Row(1, parent, 5)[4], 0);
  Write(cache, 1, parent, 5, 7);

  const int child = cache.Fork(parent);
  EXPECT_TRUE(cache.TakeNewPages().empty());
  EXPECT_EQ(cache.Row(1, child, 5)[0], 7);
  cache.Release(child);
  cache.Release(parent);
  Fill(cache, Counting(8));
  EXPECT_TRUE(cache.TakeNewPages().empty());  // they have been in use
  const int other = Fill(cache, {9, 9, 9, 9, 9});
  EXPECT_EQ(cache.TakeNewPages(), std::vector<int>{cache.Table(other)[1]});
}

TEST(PagedCacheTest, ReturnsEveryPageWhenAllSequencesAreReleased) {
  PagedCache cache = Cache();
  const int parent = Fill(cache, Counting(8));
  const int child = cache.Fork(parent);
  EXPECT_TRUE(cache.Extend(child, 3));
  cache.Release(parent);
  EXPECT_EQ(cache.free_pages(), 5);
  EXPECT_EQ(cache.Row(1, child, 7)[0], 107);
  cache.Release(child);
  EXPECT_EQ(cache.free_pages(), 8);
}

TEST(PagedCacheTest, SharesTheWholePagesOfEqualBeginnings) {
  PagedCache cache = Cache();
  const int first = Fill(cache, Counting(10));
  const int second = cache.NewSequence();
  EXPECT_EQ(cache.Adopt(second, Counting(10)), 8);
  EXPECT_EQ(cache.free_pages(), 5);
  EXPECT_EQ(cache.Row(1, second, 7), cache.Row(1, first, 7));
  EXPECT_TRUE(cache.Extend(second, 8));
  EXPECT_NE(cache.Row(1, second, 8), cache.Row(1, first, 8));
}

TEST(PagedCacheTest, LeavesTheLastTokenToBeFed) {
  PagedCache cache = Cache();
  Fill(cache, Counting(8));
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), Counting(8)), 4);
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), Counting(4)), 0);
}

TEST(PagedCacheTest, SharesNothingBehindTheFirstDifference) {
  PagedCache cache = Cache();
  Fill(cache, Counting(8));
  std::vector<int32_t> other = Counting(9);
  other[1] = 77;
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), other), 0);
  other = Counting(9);
  other[6] = 77;
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), other), 4);
}

TEST(PagedCacheTest, KeepsReleasedPagesUntilOthersNeedThem) {
  PagedCache cache = Cache();
  cache.Release(Fill(cache, Counting(8)));
  EXPECT_EQ(cache.free_pages(), 8);
  const int again = cache.NewSequence();
  EXPECT_EQ(cache.Adopt(again, Counting(9)), 8);
  EXPECT_EQ(cache.Row(0, again, 6)[0], 6);
  cache.Release(again);
  // Two sequences that take everything: the kept pages go, the last one first.
  std::vector<int32_t> other(16, 50);
  const int large = Fill(cache, other);
  other[0] = 51;
  other.resize(12);
  Fill(cache, other);
  EXPECT_EQ(cache.free_pages(), 1);
  const int partly = cache.NewSequence();
  EXPECT_EQ(cache.Adopt(partly, Counting(9)), 4);
  cache.Release(partly);
  EXPECT_TRUE(cache.Extend(cache.NewSequence(), 1));
  EXPECT_EQ(cache.free_pages(), 0);
  EXPECT_EQ(cache.Row(1, large, 15)[0], 150);
}

// The published shape of DeepSeek-V3 (arXiv 2412.19437): 128 heads of keys of 128 + 64 and values
// of 128, against a latent of 512 and a rotary key of 64.
TEST(PagedCacheTest, KeepsAtMostAnEighthOfExpandedKeysAndValuesOnDeepSeekV3sShape) {
  PolicyConfig config;
  config.num_hidden_layers = 61;
  config.num_attention_heads = 128;
  config.kv_lora_rank = 512;
  config.qk_nope_head_dim = 128;
  config.qk_rope_head_dim = 64;
  config.v_head_dim = 128;
  for (const bool bf16 : {false, true}) {
    const int64_t element = bf16 ? 2 : 4, tokens = 32;
    const int64_t expanded = 61 * 128 * (128 + 64 + 128) * element * tokens;
    EXPECT_LE(PagedCache::PageBytes(config, tokens, bf16) * 8, expanded);
    EXPECT_EQ(PagedCache::PageBytes(config, tokens, bf16), 61 * (512 + 64) * element * tokens);
  }
}

TEST(PagedCacheTest, KeepsPagesOfBfloat16LikeOthers) {
  PagedCache cache(Config(),
                   {.pages = 3, .page_size = 32, .sequences = 3, .tokens = 64, .bf16 = true});
  const int parent = cache.NewSequence();
  for (int t = 0; t < 33; ++t) EXPECT_TRUE(cache.Extend(parent, t));
  cache.Share(parent);
  const int child = cache.Fork(parent);
  EXPECT_EQ(cache.Table(child)[0], cache.Table(parent)[0]);
  EXPECT_NE(cache.Table(child)[1], cache.Table(parent)[1]);
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), Counting(40)), 32);
}

TEST(PagedCacheTest, TakesBackTokensThatWereNotShared) {
  PagedCache cache = Cache();
  const int sequence = Fill(cache, Counting(5));
  for (int t = 5; t < 10; ++t) EXPECT_TRUE(cache.Extend(sequence, t));
  EXPECT_EQ(cache.free_pages(), 5);
  cache.Truncate(sequence, 6);
  EXPECT_EQ(cache.length(sequence), 6);
  EXPECT_EQ(cache.free_pages(), 6);
  EXPECT_TRUE(cache.Extend(sequence, 60));
  EXPECT_TRUE(cache.Extend(sequence, 70));
  cache.Share(sequence);
  std::vector<int32_t> other = {0, 1, 2, 3, 4, 5, 60, 70, 8};
  EXPECT_EQ(cache.Adopt(cache.NewSequence(), other), 8);
}

TEST(PagedCacheTest, SaysWhenNoPageIsLeft) {
  PagedCache cache = Cache();
  const int a = Fill(cache, Counting(15));
  std::vector<int32_t> other(15, 50);
  const int b = Fill(cache, other);
  EXPECT_TRUE(cache.Extend(a, 1));
  EXPECT_EQ(cache.Fork(b), -1);
  const int c = cache.NewSequence();
  EXPECT_FALSE(cache.Extend(c, 1));
  EXPECT_EQ(cache.length(c), 0);
  cache.Release(b);
  EXPECT_TRUE(cache.Extend(c, 1));
}

}  // namespace
}  // namespace grpo
