#include "reward/tools/assignment.h"

#include <algorithm>
#include <numeric>

#include <gtest/gtest.h>

namespace grpo {
namespace {

int64_t Sum(const std::vector<std::vector<int64_t>>& weights, const std::vector<int>& columns) {
  int64_t sum = 0;
  for (size_t i = 0; i < columns.size(); ++i) sum += weights[i][columns[i]];
  return sum;
}

TEST(AssignmentTest, FindsTheOnlyPerfectPairing) {
  // Taking the first fit for row 0 would leave row 1 without a pair.
  EXPECT_EQ(BestAssignment({{1, 1}, {1, 0}}), (std::vector<int>{1, 0}));
  EXPECT_EQ(BestAssignment({{5}}), (std::vector<int>{0}));
  EXPECT_TRUE(BestAssignment({}).empty());
}

TEST(AssignmentTest, IsAsGoodAsTheBestOfAllPairings) {
  uint64_t state = 1;
  for (int trial = 0; trial < 300; ++trial) {
    const int n = 1 + trial % 6;
    std::vector<std::vector<int64_t>> weights(n, std::vector<int64_t>(n));
    for (auto& row : weights) {
      for (int64_t& weight : row) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        weight = static_cast<int64_t>(state >> 60);
      }
    }
    std::vector<int> columns(n);
    std::iota(columns.begin(), columns.end(), 0);
    int64_t best = 0;
    do {
      best = std::max(best, Sum(weights, columns));
    } while (std::next_permutation(columns.begin(), columns.end()));
    std::vector<int> found = BestAssignment(weights);
    EXPECT_EQ(Sum(weights, found), best);
    std::sort(found.begin(), found.end());
    std::iota(columns.begin(), columns.end(), 0);
    EXPECT_EQ(found, columns);
  }
}

}  // namespace
}  // namespace grpo
