#include "rl/router_bias.h"

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

#include "policy/router.h"
#include "tests/policy/tiny_policy.h"

namespace grpo {
namespace {

TEST(RouterBiasTest, MovesTowardsTheMeanByTheRateAndLeavesBalancedExpertsAlone) {
  Weights weights = Weights::Random(TinyConfig(), 0.2, 1);
  const Weights before = weights.Clone();
  MoveRouterBiases({{10, 0, 5, 5}}, 0.25, weights);
  EXPECT_TRUE(weights.layers[1].router_bias.equal(at::tensor({-0.25f, 0.25f, 0.0f, 0.0f})));
  EXPECT_TRUE(weights.layers[1].router.equal(before.layers[1].router));
}

TEST(RouterBiasTest, MakesASkewedRouterUseAllItsExperts) {
  Weights weights = Weights::Random(TinyConfig(), 0.5, 4);
  const at::Tensor& router = weights.layers[1].router;
  const at::Tensor x = at::randn({400, 16}, at::make_generator<at::CPUGeneratorImpl>(7)) + 0.7;
  const auto load = [&] {
    const Routing routing =
        Route(weights.config, x, router, weights.layers[1].router_bias, at::Tensor());
    ExpertLoad counts = {std::vector<int64_t>(4, 0)};
    for (int e = 0; e < 4; ++e) counts[0][e] = routing.chosen.eq(e).sum().item<int64_t>();
    return counts;
  };
  const double before = MaxViolation(load());
  ASSERT_GT(before, 0.3);
  for (int step = 0; step < 600; ++step) MoveRouterBiases(load(), 0.002, weights);
  EXPECT_LT(MaxViolation(load()), 0.05);
}

TEST(RouterBiasTest, MeasuresHowFarTheMostUsedExpertIsAboveTheMean) {
  EXPECT_DOUBLE_EQ(MaxViolation({{10, 0, 5, 5}, {5, 5, 5, 5}}), 0.5);
  EXPECT_EQ(UnusedExperts({{10, 0, 5, 5}, {0, 0, 5, 15}}), 3);
  EXPECT_EQ(MaxViolation({}), 0);
}

TEST(RouterBiasTest, CountsTheExpertsOfEverySampledToken) {
  std::vector<ScoredGroup> groups(1);
  groups[0].group.rollouts.resize(2);
  groups[0].group.rollouts[0].experts = {0, 1, 0, 2};
  groups[0].group.rollouts[1].experts = {1, 3};
  EXPECT_EQ(LoadOfRollouts(groups, TinyConfig()), (ExpertLoad{{2, 2, 1, 1}}));
}

}  // namespace
}  // namespace grpo
