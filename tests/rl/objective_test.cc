// Against an independent fp64 autograd implementation, see tests/golden/README.md.
#include "rl/objective.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <torch/csrc/autograd/autograd.h>

#include "data/file.h"
#include "rl/advantage.h"

namespace grpo {
namespace {

nlohmann::json GoldenCases() {
  const auto text = ReadFile(std::string(GRPO_SOURCE_DIR) + "/tests/golden/objective.json");
  EXPECT_TRUE(text.ok()) << text.status();
  return nlohmann::json::parse(*text)["cases"];
}

// The valid samples of a case as one micro-batch, in fp64.
struct GoldenBatch {
  MicroBatch micro;
  at::Tensor policy;
  std::vector<double> gradient;
};

GoldenBatch Read(const nlohmann::json& golden, const std::vector<double>& advantages) {
  std::vector<double> policy, behavior, reference, advantage;
  GoldenBatch batch;
  for (size_t i = 0; i < advantages.size(); ++i) {
    const auto& sample = golden["samples"][i];
    if (!sample["valid"].get<bool>()) continue;
    for (size_t t = 0; t < sample["policy_logprobs"].size(); ++t) {
      policy.push_back(sample["policy_logprobs"][t]);
      behavior.push_back(sample["behaviour_logprobs"][t]);
      reference.push_back(sample["reference_logprobs"][t]);
      batch.gradient.push_back(sample["gradient"][t]);
      advantage.push_back(advantages[i]);
    }
  }
  batch.policy = at::tensor(policy, at::kDouble).set_requires_grad(true);
  batch.micro.behavior_logprobs = at::tensor(behavior, at::kDouble);
  batch.micro.reference_logprobs = at::tensor(reference, at::kDouble);
  batch.micro.advantages = at::tensor(advantage, at::kDouble);
  return batch;
}

std::vector<double> Advantages(const nlohmann::json& golden) {
  const std::string kind = golden["advantage"];
  std::vector<double> all;
  for (int group = 0; group < 3; ++group) {
    std::vector<double> rewards;
    std::vector<bool> valid;
    for (const auto& sample : golden["samples"]) {
      if (sample["group"] != group) continue;
      valid.push_back(sample["valid"]);
      rewards.push_back(valid.back() ? sample["reward"].get<double>() : 0);
    }
    const auto advantages =
        GroupAdvantages(kind == "no_std" ? "group_no_std" : "group", rewards, valid);
    all.insert(all.end(), advantages.begin(), advantages.end());
  }
  return all;
}

TEST(ClippedObjectiveTest, HasTheValuesGradientsAndCountsOfTheIndependentImplementation) {
  int compared = 0;
  for (const auto& golden : GoldenCases()) {
    if (golden["advantage"] == "population_std") continue;  // not one of ours
    SCOPED_TRACE(golden["name"].get<std::string>());
    const GoldenBatch batch = Read(golden, Advantages(golden));
    ObjectiveConfig config;
    config.clip_low = golden["clip_low"];
    config.clip_high = golden["clip_high"];
    config.kl_coef = golden["kl_coef"];
    ObjectiveSums sums;
    const int64_t tokens = batch.policy.numel();
    const at::Tensor loss = ClippedObjective(config, batch.micro, batch.policy,
                                             at::zeros_like(batch.policy), tokens, &sums);
    const auto& expected = golden["expected"];
    EXPECT_NEAR(loss.item<double>(), expected["loss"].get<double>(), 1e-12);
    const at::Tensor gradient = torch::autograd::grad({loss}, {batch.policy})[0];
    for (int64_t i = 0; i < tokens; ++i)
      EXPECT_NEAR(gradient[i].item<double>(), batch.gradient[i], 1e-12);
    EXPECT_NEAR(static_cast<double>(sums.clipped_low) / tokens,
                expected["clip_fraction_low"].get<double>(), 1e-12);
    EXPECT_NEAR(static_cast<double>(sums.clipped_high) / tokens,
                expected["clip_fraction_high"].get<double>(), 1e-12);
    EXPECT_NEAR(sums.ratio / tokens, expected["ratio_mean"].get<double>(), 1e-12);
    ++compared;
  }
  EXPECT_GE(compared, 4);
}

TEST(ClippedObjectiveTest, HasTheGradientOfFiniteDifferences) {
  const auto cases = GoldenCases();
  const GoldenBatch batch = Read(cases.back(), Advantages(cases.back()));
  ObjectiveConfig config;
  config.kl_coef = 0.1;
  const auto loss = [&](const at::Tensor& policy) {
    ObjectiveSums sums;
    return ClippedObjective(config, batch.micro, policy, at::zeros_like(policy), 7, &sums);
  };
  const at::Tensor gradient = torch::autograd::grad({loss(batch.policy)}, {batch.policy})[0];
  for (int64_t i = 0; i < batch.policy.numel(); ++i) {
    at::Tensor above = batch.policy.detach().clone(), below = above.clone();
    above[i] += 1e-6;
    below[i] -= 1e-6;
    const double slope = (loss(above) - loss(below)).item<double>() / 2e-6;
    EXPECT_NEAR(gradient[i].item<double>(), slope, 1e-6);
  }
}

TEST(ClippedObjectiveTest, DropsNothingWhenBehaviorEqualsPolicy) {
  MicroBatch micro;
  micro.behavior_logprobs = at::tensor({-1.0, -2.0}, at::kDouble);
  micro.advantages = at::tensor({2.0, -1.0}, at::kDouble);
  ObjectiveSums sums;
  const at::Tensor loss =
      ClippedObjective(ObjectiveConfig(), micro, micro.behavior_logprobs.clone(),
                       at::zeros({2}, at::kDouble), 2, &sums);
  EXPECT_DOUBLE_EQ(loss.item<double>(), -0.5);
  EXPECT_EQ(sums.clipped_low + sums.clipped_high, 0);
  EXPECT_EQ(sums.different, 0);
  EXPECT_EQ(sums.difference_max, 0);
}

TEST(ImitationObjectiveTest, IsTheMeanNegativeLogProbOverTheGlobalDenominator) {
  ObjectiveSums sums;
  const at::Tensor logprobs = at::tensor({-1.0, -3.0}, at::kDouble);
  EXPECT_DOUBLE_EQ(
      ImitationObjective(logprobs, at::zeros({2}, at::kDouble), 8, &sums).item<double>(), 0.5);
}

}  // namespace
}  // namespace grpo
