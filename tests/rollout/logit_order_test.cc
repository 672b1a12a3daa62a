// Against a full sort.
#include "rollout/logit_order.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

struct Row {
  std::vector<float> logits;
  std::vector<float> probabilities;
  std::vector<int32_t> sorted;
};

// Logits on a grid, so that many are equal; the farthest lie behind the last bin.
Row RandomRow(int n, double spread, uint64_t seed) {
  RandomStream random(seed, n);
  Row row;
  for (int i = 0; i < n; ++i) {
    row.logits.push_back(static_cast<float>(std::round(random.Normal() * spread * 16) / 16));
  }
  row.logits[random.Below(n)] = -INFINITY;
  const double top = *std::max_element(row.logits.begin(), row.logits.end());
  double sum = 0;
  for (float logit : row.logits) sum += std::exp(logit - top);
  for (float logit : row.logits) {
    row.probabilities.push_back(static_cast<float>(std::exp(logit - top) / sum));
  }
  row.sorted.resize(n);
  std::iota(row.sorted.begin(), row.sorted.end(), 0);
  std::stable_sort(row.sorted.begin(), row.sorted.end(),
                   [&](int a, int b) { return row.logits[a] > row.logits[b]; });
  return row;
}

class LogitOrderTest : public testing::Test {
 protected:
  template <typename Check>
  void ForEachRow(const Check& check) {
    uint64_t seed = 0;
    for (int n : {2, 3, 50, 700, 20000}) {
      for (double spread : {0.01, 1.0, 4.0, 30.0}) {
        row_ = RandomRow(n, spread, ++seed);
        order_.Assign(row_.logits.data(), row_.probabilities.data(), n, 1);
        check();
      }
    }
  }

  // The number of tokens in a prefix, by the place of its last one in the full sort.
  int Length(const LogitOrder::Prefix& prefix) {
    const auto at = std::find(row_.sorted.begin(), row_.sorted.end(), order_.Last(prefix));
    return static_cast<int>(at - row_.sorted.begin()) + 1;
  }

  double MassOf(int length) const {
    double mass = 0;
    for (int i = 0; i < length; ++i) mass += row_.probabilities[row_.sorted[i]];
    return mass;
  }

  int size() const { return static_cast<int>(row_.logits.size()); }

  Row row_;
  LogitOrder order_;
};

TEST_F(LogitOrderTest, TheFirstTokensAreThoseOfAFullSortWithEqualLogitsByRisingId) {
  ForEachRow([&] {
    for (int count = 1; count < size(); count += 1 + count / 3) {
      const LogitOrder::Prefix first = order_.First(count);
      EXPECT_EQ(Length(first), count);
      EXPECT_NEAR(first.mass, MassOf(count), 1e-12);
    }
  });
}

TEST_F(LogitOrderTest, ReachesAMassWithAsFewTokensAsAFullSort) {
  ForEachRow([&] {
    for (double share : {1e-9, 0.1, 0.5, 0.9, 0.999}) {
      for (int count : {1, size() / 2, size() - 1}) {
        const LogitOrder::Prefix within = order_.First(std::max(count, 1));
        const double wanted = share * within.mass;
        int length = 1;
        for (double mass = MassOf(1); mass < wanted; ++length)
          mass += row_.probabilities[row_.sorted[length]];
        EXPECT_EQ(Length(order_.Reaching(wanted, within)), length);
      }
    }
  });
}

TEST_F(LogitOrderTest, ReachesTheWholeMassOfAllAndOfAPrefixInside) {
  ForEachRow([&] {
    const LogitOrder::Prefix all = order_.All();
    EXPECT_NEAR(all.mass, 1, 1e-5);
    EXPECT_LE(Length(order_.Reaching(all.mass, all)), size());
    for (int count = 1; count < size(); count += 1 + count / 2) {
      const LogitOrder::Prefix first = order_.First(count);
      EXPECT_LE(Length(order_.Reaching(first.mass, first)), count);
    }
  });
}

TEST_F(LogitOrderTest, KeepsTheTokensWithAShareOfTheBestOnesProbability) {
  ForEachRow([&] {
    for (double share : {1.0, 0.9, 0.37, 0.01, 1e-6, 1e-20}) {
      const double least = share * row_.probabilities[row_.sorted[0]];
      for (int count : {1, size() / 3, size() - 1}) {
        int length = std::max(count, 1);
        const LogitOrder::Prefix within = order_.First(length);
        while (row_.probabilities[row_.sorted[length - 1]] < least) --length;
        const LogitOrder::Prefix kept = order_.AtLeast(share, within);
        EXPECT_EQ(Length(kept), length);
        EXPECT_NEAR(kept.mass, MassOf(length), 1e-12);
      }
      EXPECT_GE(row_.probabilities[order_.Last(order_.AtLeast(share, order_.All()))], least);
    }
  });
}

TEST_F(LogitOrderTest, TakesEqualLogitsInTheOrderOfTheirIds) {
  row_.logits.assign(300, 1.5f);
  row_.probabilities.assign(300, 1 / 300.0f);
  order_.Assign(row_.logits.data(), row_.probabilities.data(), 300, 1);
  for (int count : {1, 17, 299}) EXPECT_EQ(order_.Last(order_.First(count)), count - 1);
}

}  // namespace
}  // namespace grpo
