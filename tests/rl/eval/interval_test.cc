#include "rl/eval/interval.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/random.h"

namespace grpo {
namespace {

// A problem's skill, then its completions: those of one problem are alike.
double RateOf(double hardest, double easiest, int samples, RandomStream& random) {
  const double skill = hardest + (easiest - hardest) * random.Uniform();
  int right = 0;
  for (int i = 0; i < samples; ++i) right += random.Uniform() < skill;
  return static_cast<double>(right) / samples;
}

// Problems, completions of each, and the range of their skills.
struct Simulation {
  int problems, samples;
  double hardest, easiest;
};

TEST(MeanIntervalTest, CoversTheTrueMeanAboutNinetyFiveTimesInAHundred) {
  for (const auto& [problems, samples, hardest, easiest] : std::vector<Simulation>{
           {30, 1, 0, 1}, {30, 8, 0.1, 0.5}, {100, 1, 0.1, 0.5}, {100, 8, 0.6, 1}}) {
    RandomStream random(7, problems * 100 + samples);
    const int trials = 1000;
    int covered = 0;
    for (int trial = 0; trial < trials; ++trial) {
      std::vector<double> rates(problems);
      for (double& rate : rates) rate = RateOf(hardest, easiest, samples, random);
      const Interval interval = MeanInterval(rates, {0, 1}, {600, uint64_t(trial)});
      const double truth = (hardest + easiest) / 2;
      covered += interval.low <= truth && truth <= interval.high;
    }
    EXPECT_NEAR(static_cast<double>(covered) / trials, 0.95, 0.02)
        << problems << " problems, " << samples << " samples, " << hardest << " to " << easiest;
  }
}

TEST(MeanIntervalTest, ManyCompletionsOfAProblemAreNotManyProblems) {
  RandomStream random(3, 0);
  std::vector<double> problems(100), copies;
  for (double& rate : problems) rate = RateOf(0, 1, 1, random);
  for (double rate : problems) copies.insert(copies.end(), 16, rate);
  const Interval clustered = MeanInterval(problems, {0, 1}), naive = MeanInterval(copies, {0, 1});
  EXPECT_NEAR((clustered.high - clustered.low) / (naive.high - naive.low), 4, 0.5);
}

TEST(MeanIntervalTest, IsTheSameForTheSameNumbers) {
  RandomStream random(3, 0);
  std::vector<double> rates(50);
  for (double& rate : rates) rate = random.Uniform();
  const Interval once = MeanInterval(rates, {0, 1}), again = MeanInterval(rates, {0, 1});
  EXPECT_EQ(once.low, again.low);
  EXPECT_EQ(once.high, again.high);
}

TEST(MeanIntervalTest, ValuesThatAreAllTheSameAreNoCertainty) {
  // None of 30 right: the exact binomial bound, 11.6 %.
  const Interval none = MeanInterval(std::vector<double>(30, 0), {0, 1});
  EXPECT_EQ(none.low, 0);
  EXPECT_NEAR(none.high, 0.1157, 1e-4);
  const Interval all = MeanInterval(std::vector<double>(30, 1), {0, 1});
  EXPECT_NEAR(all.low, 1 - 0.1157, 1e-4);
  EXPECT_EQ(all.high, 1);
  const Interval unchanged = MeanInterval(std::vector<double>(30, 0), {-1, 1});
  EXPECT_NEAR(unchanged.low, -0.1157, 1e-4);
  EXPECT_NEAR(unchanged.high, 0.1157, 1e-4);
}

TEST(MeanIntervalTest, OneValueOrNoneSaysNothing) {
  for (const std::vector<double>& values : {std::vector<double>{}, {0.5}}) {
    const Interval interval = MeanInterval(values, {-1, 1});
    EXPECT_EQ(interval.low, -1);
    EXPECT_EQ(interval.high, 1);
  }
}

}  // namespace
}  // namespace grpo
