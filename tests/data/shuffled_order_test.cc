#include "data/shuffled_order.h"

#include <array>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::vector<uint64_t> Order(uint64_t size, uint64_t seed, uint64_t epoch) {
  std::vector<uint64_t> order;
  for (uint64_t place = 0; place < size; ++place) {
    order.push_back(ShuffledItem(place, size, seed, epoch));
  }
  return order;
}

TEST(ShuffledOrderTest, HoldsEveryItemOnce) {
  for (const uint64_t size : {1, 2, 3, 4, 5, 16, 17, 100, 1000, 4097}) {
    const std::vector<uint64_t> order = Order(size, 3, 1);
    const std::set<uint64_t> items(order.begin(), order.end());
    EXPECT_EQ(items.size(), size);
    EXPECT_EQ(*items.rbegin(), size - 1);
  }
}

TEST(ShuffledOrderTest, DiffersByEpochAndSeed) {
  EXPECT_EQ(Order(50, 1, 1), Order(50, 1, 1));
  EXPECT_NE(Order(50, 1, 1), Order(50, 1, 2));
  EXPECT_NE(Order(50, 1, 1), Order(50, 2, 1));
}

TEST(ShuffledOrderTest, PutsEveryItemFirstAboutEquallyOften) {
  std::array<int, 5> counts = {};
  for (int epoch = 0; epoch < 10000; ++epoch) ++counts[ShuffledItem(0, 5, 9, epoch)];
  for (const int count : counts) EXPECT_NEAR(count, 2000, 200);
}

TEST(ShuffledOrderTest, ReachesEveryOrderOfFourItems) {
  std::set<std::vector<uint64_t>> orders;
  for (int epoch = 0; epoch < 1000; ++epoch) orders.insert(Order(4, 9, epoch));
  EXPECT_EQ(orders.size(), 24u);
}

}  // namespace
}  // namespace grpo
