#include "reward/composition.h"

#include <cmath>
#include <limits>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::DoubleNear;

RewardResult Scored(double score) { return RewardResult::Scored(score, ""); }
RewardResult NotApplicable() { return RewardResult::NotApplicable(""); }
RewardResult Invalid() { return RewardResult::Invalid(""); }
RewardResult Error() { return RewardResult::Error(""); }

// Roles from weights; "gate" is the weight of none.
constexpr double kGate = std::numeric_limits<double>::infinity();
Composition Of(const std::string& combine, const std::vector<double>& weights) {
  Composition composition;
  composition.combine = combine;
  for (double weight : weights) {
    composition.roles.push_back({weight == kGate ? 1 : weight, weight == kGate, {}});
  }
  return composition;
}

TEST(CompositionTest, AppliesToTheFamiliesThatAreListed) {
  EXPECT_TRUE(AppliesTo({1, false, {}}, "math"));
  EXPECT_TRUE(AppliesTo({1, false, {}}, ""));
  EXPECT_TRUE(AppliesTo({1, false, {"code", "math"}}, "math"));
  EXPECT_FALSE(AppliesTo({1, false, {"code"}}, "math"));
  EXPECT_FALSE(AppliesTo({1, false, {"code"}}, ""));
}

TEST(CompositionTest, SumsWeightedScores) {
  const Score score = Combine({Scored(1), Scored(0.5), Scored(-1)}, Of("sum", {2, 1, 0.25}));
  EXPECT_EQ(score.state, RewardState::kScored);
  EXPECT_DOUBLE_EQ(score.reward, 2.25);
  EXPECT_TRUE(score.correct);
  EXPECT_EQ(score.results.size(), 3u);
}

TEST(CompositionTest, TakesTheSmallestTerm) {
  EXPECT_DOUBLE_EQ(Combine({Scored(1), Scored(0.5)}, Of("minimum", {1, 1})).reward, 0.5);
  EXPECT_DOUBLE_EQ(Combine({Scored(1), Scored(0.5)}, Of("minimum", {0.25, 1})).reward, 0.25);
  EXPECT_DOUBLE_EQ(Combine({Scored(0.75)}, Of("minimum", {1})).reward, 0.75);
  // What does not apply is no zero.
  EXPECT_DOUBLE_EQ(Combine({NotApplicable(), Scored(0.5)}, Of("minimum", {1, 1})).reward, 0.5);
}

TEST(CompositionTest, TakesTheFirstThatScores) {
  const Composition first = Of("first", {1, 2, 3});
  EXPECT_DOUBLE_EQ(Combine({Scored(0), Scored(1), Scored(1)}, first).reward, 0);
  const Score second = Combine({NotApplicable(), Scored(1), Error()}, first);
  EXPECT_DOUBLE_EQ(second.reward, 2);
  EXPECT_EQ(second.state, RewardState::kScored);
  EXPECT_TRUE(second.correct);
  EXPECT_DOUBLE_EQ(Combine({Invalid(), NotApplicable(), Scored(1)}, first).reward, 3);
  EXPECT_EQ(Combine({Error(), Scored(1), Scored(1)}, first).state, RewardState::kError);
  EXPECT_EQ(Combine({Invalid(), Invalid(), NotApplicable()}, first).state, RewardState::kInvalid);
}

TEST(CompositionTest, AGateScalesWhatIsEarnedAndNoPenalty) {
  const Composition gated = Of("sum", {kGate, 1, 0.5});
  EXPECT_DOUBLE_EQ(Combine({Scored(1), Scored(1), Scored(-1)}, gated).reward, 0.5);
  EXPECT_DOUBLE_EQ(Combine({Scored(0), Scored(1), Scored(-1)}, gated).reward, -0.5);
  EXPECT_DOUBLE_EQ(Combine({Scored(0.5), Scored(1), Scored(1)}, gated).reward, 0.75);
  EXPECT_DOUBLE_EQ(Combine({NotApplicable(), Scored(1), Scored(0)}, gated).reward, 1);
  // Passing is the first reward's that is no gate.
  EXPECT_TRUE(Combine({Scored(0), Scored(1), Scored(0)}, gated).correct);
  EXPECT_FALSE(Combine({Scored(1), Scored(0), Scored(1)}, gated).correct);
}

TEST(CompositionTest, NoGateEverRaisesAReward) {
  for (const char* combine : {"sum", "minimum", "first"}) {
    for (double gate : {-5.0, 0.0, 0.3, 1.0, 7.0}) {
      for (double a : {-2.0, -0.5, 0.0, 0.5, 2.0}) {
        for (double b : {-1.0, 0.0, 1.0}) {
          const double without = Combine({Scored(a), Scored(b)}, Of(combine, {1, -0.5})).reward;
          const double with =
              Combine({Scored(a), Scored(gate), Scored(b)}, Of(combine, {1, kGate, -0.5})).reward;
          EXPECT_LE(with, without) << combine << " " << gate << " " << a << " " << b;
        }
      }
    }
  }
}

TEST(CompositionTest, KeepsTheStatesApart) {
  const Composition sum = Of("sum", {1, 1, kGate});
  const auto state = [&](RewardResult a, RewardResult b, RewardResult gate) {
    return Combine({std::move(a), std::move(b), std::move(gate)}, sum).state;
  };
  EXPECT_EQ(state(Scored(1), Invalid(), Scored(1)), RewardState::kInvalid);
  EXPECT_EQ(state(Error(), Invalid(), Scored(1)), RewardState::kError);
  EXPECT_EQ(state(Invalid(), Error(), Scored(1)), RewardState::kError);
  EXPECT_EQ(state(Scored(1), Scored(1), Error()), RewardState::kError);
  EXPECT_EQ(state(Scored(1), Scored(1), Invalid()), RewardState::kInvalid);
  EXPECT_EQ(state(Scored(1), NotApplicable(), NotApplicable()), RewardState::kScored);
  EXPECT_EQ(state(NotApplicable(), NotApplicable(), Scored(1)), RewardState::kInvalid);
  EXPECT_EQ(Combine({Error()}, Of("sum", {1})).reward, 0);
}

TEST(CompositionTest, WhatDoesNotApplyIsAsIfItDidNotStandThere) {
  for (const char* combine : {"sum", "minimum", "first"}) {
    const Score with = Combine({NotApplicable(), Scored(1), NotApplicable(), Scored(-0.25)},
                               Of(combine, {9, 1, kGate, 2}));
    const Score without = Combine({Scored(1), Scored(-0.25)}, Of(combine, {1, 2}));
    EXPECT_EQ(with.reward, without.reward);
    EXPECT_EQ(with.correct, without.correct);
    EXPECT_EQ(with.state, without.state);
  }
}

std::vector<Score> Group(const Composition& composition,
                         const std::vector<std::vector<RewardResult>>& results) {
  std::vector<Score> scores;
  for (const auto& of_sample : results) scores.push_back(Combine(of_sample, composition));
  NormalizeOverGroup(composition, scores);
  return scores;
}

TEST(NormalizeOverGroupTest, MeasuresEachRewardWithinTheGroup) {
  const Composition composition = Of("sum", {1, 0.5});
  // Scores 0, 1, 2 (mean 1, deviation 1) and 300, 100, 200 (mean 200, deviation 100).
  const auto scores = Group(
      composition, {{Scored(0), Scored(300)}, {Scored(1), Scored(100)}, {Scored(2), Scored(200)}});
  EXPECT_THAT(*scores[0].normalized, DoubleNear(-1 + 0.5 * 1, 2e-4));
  EXPECT_THAT(*scores[1].normalized, DoubleNear(0 - 0.5 * 1, 2e-4));
  EXPECT_THAT(*scores[2].normalized, DoubleNear(1 + 0.5 * 0, 2e-4));
  EXPECT_DOUBLE_EQ(scores[0].reward, 150);
}

TEST(NormalizeOverGroupTest, TellsApartWhatTheSumHides) {
  // The first two have the sum 1, yet the first reward is rarer in the group than the second.
  const auto scores = Group(Of("sum", {1, 1}), {{Scored(1), Scored(0)},
                                                {Scored(0), Scored(1)},
                                                {Scored(0), Scored(0)},
                                                {Scored(0), Scored(1)}});
  EXPECT_EQ(scores[0].reward, scores[1].reward);
  EXPECT_THAT(*scores[0].normalized, DoubleNear(1.5 - std::sqrt(0.75), 1e-3));
  EXPECT_THAT(*scores[1].normalized, DoubleNear(-0.5 + std::sqrt(0.75), 1e-3));
}

TEST(NormalizeOverGroupTest, LeavesOutWhatIsNotScoredOrDoesNotApply) {
  const auto scores = Group(Of("sum", {1, 1}), {{Scored(0), Scored(7)},
                                                {Error(), Scored(1000)},
                                                {Scored(1), NotApplicable()},
                                                {Scored(0.5), Scored(7)}});
  EXPECT_FALSE(scores[1].normalized.has_value());
  // The second reward is the same wherever it counts: it says nothing.
  EXPECT_THAT(*scores[0].normalized, DoubleNear(-1, 1e-3));
  EXPECT_THAT(*scores[2].normalized, DoubleNear(1, 1e-3));
  EXPECT_THAT(*scores[3].normalized, DoubleNear(0, 1e-9));
}

TEST(NormalizeOverGroupTest, NormalisesAfterTheGates) {
  const auto scores =
      Group(Of("sum", {1, kGate}), {{Scored(1), Scored(0)}, {Scored(0), Scored(1)}});
  EXPECT_EQ(*scores[0].normalized, 0);  // both earn nothing
  EXPECT_EQ(*scores[1].normalized, 0);
}

TEST(NormalizeOverGroupTest, SumsToZeroOverAGroup) {
  const Composition composition = Of("sum", {1, -2, 0.1});
  std::vector<std::vector<RewardResult>> results;
  for (int i = 0; i < 16; ++i) {
    results.push_back({Scored(i * 7 % 5), Scored(std::sin(i)), Scored(i * i)});
  }
  double sum = 0;
  for (const Score& score : Group(composition, results)) sum += *score.normalized;
  EXPECT_NEAR(sum, 0, 1e-9);
}

}  // namespace
}  // namespace grpo
