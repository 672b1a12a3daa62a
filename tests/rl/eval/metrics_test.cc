#include "rl/eval/metrics.h"

#include <cmath>
#include <numeric>

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

// k of n completions without replacement, many times: the share of draws with `least` right ones.
double Simulated(int n, int correct, int k, int least, RandomStream& random) {
  const int trials = 20000;
  int passed = 0;
  std::vector<int> order(n);
  for (int trial = 0; trial < trials; ++trial) {
    std::iota(order.begin(), order.end(), 0);
    int right = 0;
    for (int i = 0; i < k; ++i) {
      std::swap(order[i], order[i + random.Below(n - i)]);
      right += order[i] < correct;
    }
    passed += right >= least;
  }
  return static_cast<double>(passed) / trials;
}

TEST(MetricsTest, PassAtKIsTheShareOfDrawsWithARightOne) {
  RandomStream random(1, 0);
  for (const auto& [n, correct, k] :
       std::vector<std::array<int, 3>>{{8, 1, 1}, {8, 1, 4}, {8, 3, 2}, {16, 2, 8}, {5, 4, 2}}) {
    EXPECT_NEAR(PassAtK(n, correct, k), Simulated(n, correct, k, 1, random), 0.012)
        << n << " " << correct << " " << k;
    for (double tau : {0.25, 0.5, 0.75, 1.0}) {
      const int least = std::max(1, static_cast<int>(std::ceil(tau * k)));
      EXPECT_NEAR(GPassAtK(n, correct, k, tau), Simulated(n, correct, k, least, random), 0.012)
          << n << " " << correct << " " << k << " " << tau;
    }
  }
}

TEST(MetricsTest, PassAtKOfManyCompletionsIsExact) {
  EXPECT_DOUBLE_EQ(PassAtK(10, 0, 10), 0);
  EXPECT_DOUBLE_EQ(PassAtK(10, 1, 10), 1);
  EXPECT_NEAR(PassAtK(10000, 1, 100), 0.01, 1e-15);
  EXPECT_NEAR(PassAtK(100000, 50000, 3), 1 - 50000.0 * 49999 * 49998 / (1e5 * 99999 * 99998),
              1e-14);
  EXPECT_DOUBLE_EQ(PassAtK(7, 3, 1), 3.0 / 7);
}

// The numbers of lighteval's test cases for G-Pass@k (its g_pass_at_k*.json, MIT): n, right ones,
// k, then G-Pass@k at 0, 0.25, 0.5, 0.75, 1, and mG-Pass@k.
struct GPassCase {
  int n, correct, k;
  std::array<double, 5> chances;
  double mean;
};

TEST(MetricsTest, GPassAtKEqualsThePublishedCases) {
  const std::vector<GPassCase> cases = {
      {1, 1, 1, {1, 1, 1, 1, 1}, 0},
      {3, 3, 2, {1, 1, 1, 1, 1}, 1},
      {4, 2, 2, {5.0 / 6, 5.0 / 6, 5.0 / 6, 1.0 / 6, 1.0 / 6}, 1.0 / 6},
      {2, 1, 1, {0.5, 0.5, 0.5, 0.5, 0.5}, 0},
      {3, 0, 1, {0, 0, 0, 0, 0}, 0},
      {8, 4, 5, {1, 0.9285714285714286, 0.5, 0.07142857142857142, 0}, 0.02857142857142857},
      {8,
       5,
       5,
       {1, 1, 0.8214285714285715, 0.28571428571428564, 0.017857142857142853},
       0.1214285714285714},
      {3, 2, 1, {2.0 / 3, 2.0 / 3, 2.0 / 3, 2.0 / 3, 2.0 / 3}, 0},
      {3, 1, 1, {1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3, 1.0 / 3}, 0},
      {4, 0, 2, {0, 0, 0, 0, 0}, 0},
  };
  for (const GPassCase& one : cases) {
    for (int i = 0; i < 5; ++i) {
      EXPECT_NEAR(GPassAtK(one.n, one.correct, one.k, 0.25 * i), one.chances[i], 1e-12)
          << one.n << " " << one.correct << " " << one.k << " tau " << 0.25 * i;
    }
    EXPECT_NEAR(MeanGPassAtK(one.n, one.correct, one.k), one.mean, 1e-12)
        << one.n << " " << one.correct << " " << one.k;
  }
}

std::vector<Vote> Votes(const std::vector<int>& answers, int right) {
  std::vector<Vote> votes;
  for (int answer : answers) votes.push_back({answer, answer == right});
  return votes;
}

TEST(MetricsTest, TheMajorityIsTheAnswerOfMostVotesAndTiesShareThePoint) {
  EXPECT_EQ(Majority(Votes({1, 1, 0}, 1)), 1);
  EXPECT_EQ(Majority(Votes({0, 0, 0}, 1)), 0);
  EXPECT_EQ(Majority(Votes({1, 1, 1}, 1)), 1);
  EXPECT_DOUBLE_EQ(Majority(Votes({1, 0, 2}, 1)), 1.0 / 3);
  EXPECT_DOUBLE_EQ(Majority(Votes({1, 0, 0, 1, 2}, 1)), 0.5);
}

TEST(MetricsTest, ACompletionWithoutAnAnswerDoesNotVote) {
  EXPECT_EQ(Majority(Votes({-1, -1, -1, 4}, 4)), 1);
  EXPECT_EQ(Majority(Votes({-1, -1}, 4)), 0);
  EXPECT_EQ(Majority({}), 0);
}

TEST(MetricsTest, MajorityOfKIsTheMeanOverRunsOfK) {
  const std::vector<Vote> votes = Votes({1, 1, 0, 0, 0, 1, 1, 1}, 1);
  EXPECT_DOUBLE_EQ(MajorityAtK(votes, 1), 5.0 / 8);
  EXPECT_DOUBLE_EQ(MajorityAtK(votes, 2), (1 + 0 + 0.5 + 1) / 4);
  EXPECT_DOUBLE_EQ(MajorityAtK(votes, 3), (1.0 + 0) / 2);
  EXPECT_DOUBLE_EQ(MajorityAtK(votes, 8), 1);
}

}  // namespace
}  // namespace grpo
