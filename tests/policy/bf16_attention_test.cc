#include "policy/kernels/bf16_attention.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "tests/policy/random_floats.h"

namespace grpo {
namespace {

AttentionShape Latent(int heads, int key, int value) {
  return {.num_heads = heads,
          .num_cached_heads = 1,
          .row_dim = key,
          .key_dim = key,
          .value_begin = 0,
          .value_dim = value,
          .scale = 1 / std::sqrt(key)};
}

AttentionShape Grouped(int heads, int cached, int key, int value) {
  return {.num_heads = heads,
          .num_cached_heads = cached,
          .row_dim = key + value,
          .key_dim = key,
          .value_begin = key,
          .value_dim = value,
          .scale = 1 / std::sqrt(key)};
}

// Keys and values that overlap at no multiple of what a page is made of.
AttentionShape Overlapping() {
  return {.num_heads = 6,
          .num_cached_heads = 2,
          .row_dim = 50,
          .key_dim = 40,
          .value_begin = 9,
          .value_dim = 41,
          .scale = 0.2};
}

const AttentionShape kSmall[] = {
    Overlapping(),         Latent(4, 40, 32),      Latent(6, 80, 64),
    Grouped(9, 3, 64, 64), Grouped(5, 5, 24, 20),  Latent(17, 24, 20),
    Grouped(4, 2, 1, 1),   Grouped(2, 1, 33, 100), Grouped(70, 2, 16, 16)};
const AttentionShape kLarge[] = {Latent(12, 160, 128), Latent(16, 288, 256), Latent(128, 576, 512),
                                 Grouped(32, 8, 128, 128)};

std::vector<AttentionShape> AllShapes() {
  std::vector<AttentionShape> shapes(std::begin(kSmall), std::end(kSmall));
  shapes.insert(shapes.end(), std::begin(kLarge), std::end(kLarge));
  return shapes;
}

std::string Describe(const AttentionShape& shape) {
  return "H " + std::to_string(shape.num_heads) + ", C " + std::to_string(shape.num_cached_heads) +
         ", key " + std::to_string(shape.key_dim) + ", value " + std::to_string(shape.value_dim);
}

// A sequence's queries and rows.
struct Sequence {
  Sequence(const AttentionShape& of_shape, int of_tokens, int seed)
      : shape(of_shape),
        tokens(of_tokens),
        q(RandomFloats(int64_t{tokens} * shape.num_heads * shape.key_dim, seed)),
        rows(RandomFloats(tokens * shape.row_width(), seed + 1)) {}

  AttentionShape shape;
  int tokens;
  Floats q;
  Floats rows;
};

// Pages in which a sequence's tokens lie at the places that the table says, among numbers of any
// size.
class Cache {
 public:
  Cache(const Bf16Attention& level, const Sequence& sequence, std::vector<int32_t> table,
        int stored_tokens)
      : table_(std::move(table)), page_size_(Bf16PageElements(sequence.shape)) {
    const int pages = *std::max_element(table_.begin(), table_.end()) + 1;
    memory_.resize(pages * page_size_ + 32);
    std::mt19937 generator(99);
    for (BFloat16& element : memory_) element = Round(std::ldexp(1.0f, generator() % 200 - 100));
    for (int t = 0; t < stored_tokens; ++t) {
      level.store_row(sequence.shape, sequence.rows.data() + t * sequence.shape.row_width(),
                      t % kBf16PageTokens, Pages() + table_[t / kBf16PageTokens] * page_size_);
    }
  }

  const int32_t* table() const { return table_.data(); }
  BFloat16* Pages() {
    const auto at = reinterpret_cast<uintptr_t>(memory_.data());
    return memory_.data() + (64 - at % 64) % 64 / sizeof(BFloat16);
  }

 private:
  std::vector<int32_t> table_;
  int64_t page_size_;
  std::vector<BFloat16> memory_;
};

std::vector<int32_t> InOrder(int tokens) {
  std::vector<int32_t> table((tokens + kBf16PageTokens - 1) / kBf16PageTokens);
  std::iota(table.begin(), table.end(), 0);
  return table;
}

struct Result {
  Floats out;
  Floats log_sum_exp;
};

bool SameBits(const Floats& a, const Floats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](float x, float y) {
    return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y);
  });
}
bool SameBits(const Result& a, const Result& b) {
  return SameBits(a.out, b.out) && SameBits(a.log_sum_exp, b.log_sum_exp);
}

Result Unwritten(const Sequence& sequence) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const int64_t heads = int64_t{sequence.tokens} * sequence.shape.num_heads;
  return {Floats(heads * sequence.shape.value_dim, nan), Floats(heads, nan)};
}

struct Share {
  int row_begin, row_end, head_begin, head_end;
};

void Attend(const Bf16Attention& level, const Sequence& sequence, Cache& cache, const Share& share,
            Result& result) {
  const int64_t head = int64_t{share.row_begin} * sequence.shape.num_heads;
  const Bf16PagedQueries queries = {.shape = sequence.shape,
                                    .q = sequence.q.data() + head * sequence.shape.key_dim,
                                    .num_rows = share.row_end - share.row_begin,
                                    .first_visible = share.row_begin + 1,
                                    .pages = cache.Pages(),
                                    .table = cache.table(),
                                    .head_begin = share.head_begin,
                                    .head_end = share.head_end};
  level.attend(queries, result.out.data() + head * sequence.shape.value_dim,
               result.log_sum_exp.data() + head);
}

// All rows from first_row on, so many in a call.
Result InChunks(const Bf16Attention& level, const Sequence& sequence, Cache& cache, int chunk,
                int first_row = 0) {
  Result result = Unwritten(sequence);
  for (int row = first_row; row < sequence.tokens; row += chunk) {
    Attend(level, sequence, cache,
           {row, std::min(row + chunk, sequence.tokens), 0, sequence.shape.num_heads}, result);
  }
  return result;
}

Result Whole(const Bf16Attention& level, const Sequence& sequence) {
  Cache cache(level, sequence, InOrder(sequence.tokens), sequence.tokens);
  return InChunks(level, sequence, cache, sequence.tokens);
}

// The last token's head in double precision on rounded numbers; `spread` is the sum of the values'
// magnitudes under their weights.
struct Reference {
  std::vector<double> out, spread;
  double log_sum_exp;

  Reference(const Sequence& sequence, int head) {
    const AttentionShape& shape = sequence.shape;
    const float* q =
        &sequence.q[(int64_t{sequence.tokens - 1} * shape.num_heads + head) * shape.key_dim];
    const float* rows = &sequence.rows[head / shape.group() * shape.row_dim];
    std::vector<double> weights;
    double sum = 0;
    for (int t = 0; t < sequence.tokens; ++t) {
      double score = 0;
      for (int k = 0; k < shape.key_dim; ++k) {
        score += double{Round(q[k])} * double{Round(rows[t * shape.row_width() + k])};
      }
      weights.push_back(std::exp(score * shape.scale));
      sum += weights.back();
    }
    log_sum_exp = std::log(sum);
    out.resize(shape.value_dim);
    spread.resize(shape.value_dim);
    for (int t = 0; t < sequence.tokens; ++t) {
      const float* values = rows + t * shape.row_width() + shape.value_begin;
      for (int v = 0; v < shape.value_dim; ++v) {
        const double term = weights[t] / sum * double{Round(values[v])};
        out[v] += term;
        spread[v] += std::abs(term);
      }
    }
  }
};

class Bf16AttentionTest : public testing::TestWithParam<const Bf16Attention*> {
 protected:
  const Bf16Attention& level() const { return *GetParam(); }
};

// Rounding to bfloat16 changes a weight by a part in 2^8 at most; all the rest is float, of scores
// of a few units.
TEST_P(Bf16AttentionTest, IsAttentionOnTheRoundedNumbers) {
  for (const AttentionShape& shape : AllShapes()) {
    for (const int visible : {1, 31, 32, 33, 64, 500}) {
      SCOPED_TRACE(Describe(shape) + ", visible " + std::to_string(visible));
      const Sequence sequence(shape, visible, 1);
      Cache cache(level(), sequence, InOrder(visible), visible);
      const Result result = InChunks(level(), sequence, cache, 1, visible - 1);
      for (int head = 0; head < shape.num_heads; head += 1 + shape.num_heads / 20) {
        const Reference reference(sequence, head);
        const int64_t at = int64_t{visible - 1} * shape.num_heads + head;
        EXPECT_NEAR(result.log_sum_exp[at], reference.log_sum_exp, 2e-5);
        for (int v = 0; v < shape.value_dim; ++v) {
          ASSERT_NEAR(result.out[at * shape.value_dim + v], reference.out[v],
                      (0x1p-8 + 2e-5) * reference.spread[v])
              << "head " << head << ", " << v;
        }
      }
    }
  }
}

TEST_P(Bf16AttentionTest, ATokenAloneChunksAndWholeSequencesGiveTheSameBits) {
  for (const AttentionShape& shape : kSmall) {
    SCOPED_TRACE(Describe(shape));
    const Sequence sequence(shape, 70, 3);
    Cache cache(level(), sequence, InOrder(70), 70);
    const Result whole = InChunks(level(), sequence, cache, 70);
    for (int chunk = 1; chunk <= 33; ++chunk) {
      ASSERT_TRUE(SameBits(InChunks(level(), sequence, cache, chunk), whole)) << chunk;
    }
  }
}

TEST_P(Bf16AttentionTest, SoItIsInLargeShapesToo) {
  for (const AttentionShape& shape : kLarge) {
    SCOPED_TRACE(Describe(shape));
    const Sequence sequence(shape, 66, 5);
    Cache cache(level(), sequence, InOrder(66), 66);
    const Result whole = InChunks(level(), sequence, cache, 66);
    for (const int chunk : {1, 4, 33}) {
      EXPECT_TRUE(SameBits(InChunks(level(), sequence, cache, chunk), whole)) << chunk;
    }
  }
}

TEST_P(Bf16AttentionTest, LongSequencesGiveTheSameBitsFromTheirLastRows) {
  const Sequence sequence(Latent(4, 40, 32), 1100, 7);
  Cache cache(level(), sequence, InOrder(1100), 1100);
  const Result alone = InChunks(level(), sequence, cache, 1, 1000);
  for (const int chunk : {7, 100}) {
    EXPECT_TRUE(SameBits(InChunks(level(), sequence, cache, chunk, 1000), alone)) << chunk;
  }
}

TEST_P(Bf16AttentionTest, SharesOfTheHeadsGiveTheSameBits) {
  for (const AttentionShape& shape : AllShapes()) {
    SCOPED_TRACE(Describe(shape));
    const Sequence sequence(shape, 40, 9);
    Cache cache(level(), sequence, InOrder(40), 40);
    const Result whole = InChunks(level(), sequence, cache, 40);
    for (const int parts : {2, 3, 5}) {
      Result shared = Unwritten(sequence);
      for (const int row : {0, 37, 38, 39}) {  // in chunks of 37 and 1
        const int end = row == 0 ? 37 : row + 1;
        for (int part = 0; part < parts; ++part) {
          Attend(level(), sequence, cache,
                 {row, end, shape.num_heads * part / parts, shape.num_heads * (part + 1) / parts},
                 shared);
        }
      }
      EXPECT_TRUE(SameBits(shared, whole)) << parts;
    }
  }
}

TEST_P(Bf16AttentionTest, WherePagesLieAndWhatIsBeyondTheVisibleRowsChangesNoBits) {
  for (const AttentionShape& shape : AllShapes()) {
    SCOPED_TRACE(Describe(shape));
    const Sequence sequence(shape, 100, 11);
    Cache in_order(level(), sequence, InOrder(100), 100),
        apart(level(), sequence, {9, 2, 5, 0}, 71);
    Result expected = Unwritten(sequence), result = expected;
    for (const int row : {0, 30, 31, 32, 63, 70}) {  // the second cache has nothing beyond
      Attend(level(), sequence, in_order, {row, row + 1, 0, shape.num_heads}, expected);
      Attend(level(), sequence, apart, {row, row + 1, 0, shape.num_heads}, result);
    }
    EXPECT_TRUE(SameBits(result, expected));
  }
}

TEST_P(Bf16AttentionTest, PackedSequencesGiveTheBitsOfDecoding) {
  for (const AttentionShape& shape : AllShapes()) {
    SCOPED_TRACE(Describe(shape));
    const std::vector<int32_t> cu_seqlens = {0, 65, 66, 66, 99};
    const Sequence packed(shape, 99, 13);
    Result result = Unwritten(packed), expected;
    for (int s = 0; s < 4; ++s) {
      Bf16PackedAttention({.shape = shape,
                           .q = packed.q.data(),
                           .rows = packed.rows.data(),
                           .cu_seqlens = cu_seqlens.data(),
                           .prefixes = nullptr,
                           .num_sequences = 4},
                          s, level(), result.out.data(), result.log_sum_exp.data());
      const int64_t begin = cu_seqlens[s], end = cu_seqlens[s + 1];
      if (begin == end) continue;
      Sequence alone = packed;
      alone.tokens = end - begin;
      alone.q.erase(alone.q.begin(), alone.q.begin() + begin * shape.num_heads * shape.key_dim);
      alone.rows.erase(alone.rows.begin(), alone.rows.begin() + begin * shape.row_width());
      Cache cache(level(), alone, InOrder(alone.tokens), alone.tokens);
      const Result decoded = InChunks(level(), alone, cache, 1);
      expected.out.insert(expected.out.end(), decoded.out.begin(), decoded.out.end());
      expected.log_sum_exp.insert(expected.log_sum_exp.end(), decoded.log_sum_exp.begin(),
                                  decoded.log_sum_exp.end());
    }
    EXPECT_TRUE(SameBits(result, expected));
  }
}

TEST_P(Bf16AttentionTest, ARowIsStoredRoundedAsTheDocumentedLayoutSays) {
  for (const AttentionShape& shape : AllShapes()) {
    SCOPED_TRACE(Describe(shape));
    const Sequence sequence(shape, kBf16PageTokens, 15);
    const BFloat16 untouched{0x1234};
    std::vector<BFloat16> page(Bf16PageElements(shape), untouched);
    const int depth = (shape.key_dim + 31) / 32 * 32;
    for (const int t : {5, 4, 31, 0}) {
      const float* row = &sequence.rows[t * shape.row_width()];
      std::vector<BFloat16> expected = page;
      for (int c = 0; c < shape.num_cached_heads; ++c, row += shape.row_dim) {
        BFloat16* keys = &expected[c * Bf16HeadElements(shape)];
        for (int k = 0; k < depth; ++k) {
          keys[k / 2 * 64 + t * 2 + k % 2] = k < shape.key_dim ? Round(row[k]) : BFloat16{0};
        }
        if (Bf16ValuesAreInKeys(shape)) continue;
        BFloat16* values = keys + Bf16KeyElements(shape);
        for (int v = 0; v < (shape.value_dim + 31) / 32 * 32; ++v) {
          values[v / 32 * 1024 + t % 16 * 64 + v % 32 * 2 + t / 16] =
              v < shape.value_dim ? Round(row[shape.value_begin + v]) : BFloat16{0};
        }
      }
      level().store_row(shape, &sequence.rows[t * shape.row_width()], t, page.data());
      EXPECT_TRUE(std::equal(page.begin(), page.end(), expected.begin(),
                             [](BFloat16 x, BFloat16 y) { return x.bits == y.bits; }))
          << t;
    }
  }
}

TEST_P(Bf16AttentionTest, LargeScoresGiveWeightsWithoutOverflow) {
  const AttentionShape shape = Latent(4, 40, 32);
  Sequence sequence(shape, 50, 17);
  for (float& value : sequence.q) value *= 1e4f;
  const Result result = Whole(level(), sequence);
  for (const float value : result.out) ASSERT_LT(std::abs(value), 6);
  for (const float value : result.log_sum_exp) ASSERT_TRUE(std::isfinite(value));
}

TEST_P(Bf16AttentionTest, WhatIsNotANumberStaysInItsHead) {
  const AttentionShape shape = Latent(12, 40, 32);
  Sequence sequence(shape, 40, 19);
  Result expected = Whole(level(), sequence);
  const int head = 35 * shape.num_heads + 3;
  sequence.q[head * shape.key_dim] = std::numeric_limits<float>::quiet_NaN();
  Result result = Whole(level(), sequence);
  for (Result* of : {&result, &expected}) {
    std::fill_n(&of->out[head * shape.value_dim], shape.value_dim, 0.0f);
    of->log_sum_exp[head] = 0;
  }
  EXPECT_TRUE(SameBits(result, expected));
}

TEST_P(Bf16AttentionTest, CallsOfOtherLevelsShapesAndThreadsLeaveTheBitsAsTheyAre) {
  const Sequence sequence(Latent(12, 40, 32), 40, 21), other(Grouped(9, 3, 64, 64), 33, 23);
  const Result expected = Whole(level(), sequence);
  for (const Bf16Attention* between : AvailableBf16Attention()) {
    Whole(*between, other);
    EXPECT_TRUE(SameBits(Whole(level(), sequence), expected)) << between->name;
  }
  std::thread([&] { EXPECT_TRUE(SameBits(Whole(level(), sequence), expected)); }).join();
}

TEST(Bf16AttentionLevelsTest, AreThoseOfTheProducts) {
  const auto& attention = AvailableBf16Attention();
  const auto& products = AvailableBf16Products();
  ASSERT_EQ(attention.size(), products.size());
  for (size_t i = 0; i < products.size(); ++i) {
    EXPECT_EQ(std::string(attention[i]->name), products[i]->name);
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, Bf16AttentionTest, testing::ValuesIn(AvailableBf16Attention()),
                         [](const auto& info) { return std::string(info.param->name); });

}  // namespace
}  // namespace grpo
