#include "policy/optimizer.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

AdamWConfig Config() {
  AdamWConfig config;
  config.learning_rate = 0.1;
  config.beta2 = 0.9;
  config.weight_decay = 0.01;
  config.max_grad_norm = 0;
  return config;
}

TEST(AdamWTest, TakesTheStepsOfTheFormula) {
  at::Tensor weight = at::tensor({1.0f, -2.0f}).view({1, 2});
  AdamW optimizer({{"w", weight}}, Config(), 10);
  double w[2] = {1, -2}, m[2] = {}, v[2] = {};
  for (int step = 1; step <= 3; ++step) {
    const float gradient[2] = {0.5f * step, -0.25f};
    std::vector<at::Tensor> gradients = {at::tensor({gradient[0], gradient[1]}).view({1, 2})};
    optimizer.Step(gradients);
    for (int i = 0; i < 2; ++i) {
      m[i] = 0.9 * m[i] + 0.1 * gradient[i];
      v[i] = 0.9 * v[i] + 0.1 * gradient[i] * gradient[i];
      const double mean = m[i] / (1 - std::pow(0.9, step)),
                   variance = v[i] / (1 - std::pow(0.9, step));
      w[i] -= 0.1 * (mean / (std::sqrt(variance) + 1e-8) + 0.01 * w[i]);
      EXPECT_NEAR(weight[0][i].item<float>(), w[i], 1e-5);
    }
  }
}

TEST(AdamWTest, DoesNotDecayVectors) {
  at::Tensor norm = at::ones({2});
  AdamW optimizer({{"norm", norm}}, Config(), 10);
  std::vector<at::Tensor> gradients = {at::zeros({2})};
  optimizer.Step(gradients);
  EXPECT_TRUE(norm.equal(at::ones({2})));
}

TEST(AdamWTest, ClipsToTheGlobalNormAndReportsTheNormBefore) {
  AdamWConfig config = Config();
  config.max_grad_norm = 1;
  at::Tensor a = at::zeros({1, 1}), b = at::zeros({1, 1});
  AdamW optimizer({{"a", a}, {"b", b}}, config, 10);
  std::vector<at::Tensor> gradients = {at::full({1, 1}, 3.0f), at::full({1, 1}, 4.0f)};
  EXPECT_DOUBLE_EQ(optimizer.Step(gradients).grad_norm, 5);
  EXPECT_NEAR(gradients[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(gradients[1].item<float>(), 0.8, 1e-6);
}

TEST(AdamWTest, SkipsAStepWhoseGradientIsNotFinite) {
  at::Tensor weight = at::ones({1, 1});
  AdamW optimizer({{"w", weight}}, Config(), 10);
  std::vector<at::Tensor> gradients = {at::full({1, 1}, std::numeric_limits<float>::quiet_NaN())};
  EXPECT_TRUE(optimizer.Step(gradients).skipped);
  EXPECT_EQ(weight.item<float>(), 1);
  EXPECT_EQ(optimizer.step(), 0);
}

TEST(LearningRateTest, WarmsUpThenFollowsItsShapeToTheFinalFraction) {
  AdamWConfig config;
  config.learning_rate = 2;
  config.warmup_steps = 4;
  config.final_fraction = 0.1;
  EXPECT_DOUBLE_EQ(LearningRate(config, 0, 100), 0.5);
  EXPECT_DOUBLE_EQ(LearningRate(config, 3, 100), 2);
  EXPECT_DOUBLE_EQ(LearningRate(config, 99, 100), 2);
  for (const char* schedule : {"linear", "cosine"}) {
    config.schedule = schedule;
    EXPECT_DOUBLE_EQ(LearningRate(config, 4, 100), 2);
    EXPECT_NEAR(LearningRate(config, 99, 100), 0.2, 1e-12);
    EXPECT_LT(LearningRate(config, 60, 100), LearningRate(config, 50, 100));
  }
}

}  // namespace
}  // namespace grpo
