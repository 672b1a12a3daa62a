#include "policy/optimizer.h"

#include <cmath>
#include <limits>

#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

OptimizerConfig Config() {
  OptimizerConfig config;
  config.learning_rate = 0.1;
  config.beta2 = 0.9;
  config.weight_decay = 0.01;
  config.max_grad_norm = 0;
  return config;
}

TEST(OptimizerTest, TakesAdamWsStepsByTheFormula) {
  at::Tensor weight = at::tensor({1.0f, -2.0f}).view({1, 2});
  Optimizer optimizer({{"w", weight}}, Config(), 10);
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

TEST(OptimizerTest, DoesNotDecayVectors) {
  at::Tensor norm = at::ones({2});
  Optimizer optimizer({{"norm", norm}}, Config(), 10);
  std::vector<at::Tensor> gradients = {at::zeros({2})};
  optimizer.Step(gradients);
  EXPECT_TRUE(norm.equal(at::ones({2})));
}

TEST(OptimizerTest, ClipsToTheGlobalNormAndReportsTheNormBefore) {
  OptimizerConfig config = Config();
  config.max_grad_norm = 1;
  at::Tensor a = at::zeros({1, 1}), b = at::zeros({1, 1});
  Optimizer optimizer({{"a", a}, {"b", b}}, config, 10);
  std::vector<at::Tensor> gradients = {at::full({1, 1}, 3.0f), at::full({1, 1}, 4.0f)};
  EXPECT_DOUBLE_EQ(optimizer.Step(gradients).grad_norm, 5);
  EXPECT_NEAR(gradients[0].item<float>(), 0.6, 1e-6);
  EXPECT_NEAR(gradients[1].item<float>(), 0.8, 1e-6);
}

TEST(OptimizerTest, SkipsAStepWhoseGradientIsNotFinite) {
  at::Tensor weight = at::ones({1, 1});
  Optimizer optimizer({{"w", weight}}, Config(), 10);
  std::vector<at::Tensor> gradients = {at::full({1, 1}, std::numeric_limits<float>::quiet_NaN())};
  EXPECT_TRUE(optimizer.Step(gradients).skipped);
  EXPECT_EQ(weight.item<float>(), 1);
  EXPECT_EQ(optimizer.step(), 0);
}

// Singular values of the result, by the eigenvalues of its smaller Gram matrix.
std::pair<double, double> SingularValues(const at::Tensor& matrix) {
  const at::Tensor values = std::get<1>(at::linalg_svd(matrix.to(at::kDouble), false));
  return {values.min().item<double>(), values.max().item<double>()};
}

TEST(OrthogonalisedTest, BringsSingularValuesNearOneAndKeepsTheirVectors) {
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(5);
  for (const auto& [rows, columns] : {std::pair{24, 24}, {16, 40}, {40, 16}, {1, 9}}) {
    const at::Tensor direction = at::randn({rows, columns}, generator);
    const at::Tensor result = Orthogonalised(direction * 1e-3);
    const auto [low, high] = SingularValues(result);
    EXPECT_GT(low, rows == columns ? 0.1 : 0.6) << rows << " x " << columns;
    EXPECT_LT(high, 1.3);
    const auto [u, s, v] = at::linalg_svd(direction, false);
    const at::Tensor exact = u.matmul(v);
    EXPECT_GT((result * exact).sum().item<float>() / (result.norm() * exact.norm()).item<float>(),
              0.95);
  }
}

TEST(OptimizerTest, TakesMuonsStepsByTheFormulaForEachMatrixByItself) {
  OptimizerConfig config = Config();
  config.kind = "muon";
  config.momentum = 0.9;
  const auto generator = at::make_generator<at::CPUGeneratorImpl>(6);
  at::Tensor fused = at::randn({6, 4}, generator), norm = at::ones({4}),
             head = at::randn({3, 4}, generator);
  const std::vector<NamedTensor> matrices = {
      {"gate", fused.narrow(0, 0, 4)}, {"up", fused.narrow(0, 4, 2)}, {"lm_head", head}};
  std::vector<at::Tensor> expected = {fused.narrow(0, 0, 4).clone(), fused.narrow(0, 4, 2).clone()};
  at::Tensor adam_head = head.clone();
  Optimizer optimizer({{"mlp.gate_up", fused}, {"norm", norm}, {"head", head}}, config, 10,
                      matrices);
  Optimizer adam({{"head", adam_head}}, Config(), 10);
  at::Tensor momentum = at::zeros({6, 4});
  for (int step = 0; step < 3; ++step) {
    const at::Tensor gradient = at::randn({6, 4}, generator), other = at::randn({3, 4}, generator);
    momentum = momentum * 0.9 + gradient;
    const at::Tensor direction = momentum * 0.9 + gradient;
    expected[0] = expected[0] * (1 - 0.1 * 0.01) -
                  Orthogonalised(direction.narrow(0, 0, 4)) * (0.1 * 0.2 * std::sqrt(4.0));
    expected[1] = expected[1] * (1 - 0.1 * 0.01) -
                  Orthogonalised(direction.narrow(0, 4, 2)) * (0.1 * 0.2 * std::sqrt(4.0));
    std::vector<at::Tensor> gradients = {gradient.clone(), at::ones({4}), other.clone()};
    optimizer.Step(gradients);
    std::vector<at::Tensor> of_head = {other.clone()};
    adam.Step(of_head);
  }
  EXPECT_TRUE(fused.allclose(at::cat(expected), 1e-5, 1e-6));
  EXPECT_TRUE(head.equal(adam_head));
  std::vector<std::string> names;
  for (const NamedTensor& state : optimizer.State()) names.push_back(state.name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"m.mlp.gate_up", "m.norm", "v.norm", "m.head", "v.head"}));
}

TEST(LearningRateTest, WarmsUpThenFollowsItsShapeToTheFinalFraction) {
  OptimizerConfig config;
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
