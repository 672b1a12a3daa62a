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
  std::vector<double> policy, behavior, reference, advantage, lengths;
  std::vector<int64_t> sequences;
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
      sequences.push_back(lengths.size());
    }
    lengths.push_back(sample["policy_logprobs"].size());
  }
  batch.policy = at::tensor(policy, at::kDouble).set_requires_grad(true);
  batch.micro.behavior_logprobs = at::tensor(behavior, at::kDouble);
  batch.micro.reference_logprobs = at::tensor(reference, at::kDouble);
  batch.micro.advantages = at::tensor(advantage, at::kDouble);
  batch.micro.sequences = at::tensor(sequences, at::kLong);
  batch.micro.sequence_lengths = at::tensor(lengths, at::kDouble);
  batch.micro.loss_weights =
      at::full({batch.policy.numel()}, 1.0 / batch.policy.numel(), at::kDouble);
  return batch;
}

std::vector<double> GoldenAdvantages(const nlohmann::json& golden) {
  const std::string kind = golden["advantage"];
  std::vector<double> all;
  for (int group = 0; group < 3; ++group) {
    std::vector<Outcome> outcomes;
    for (const auto& sample : golden["samples"]) {
      if (sample["group"] != group) continue;
      outcomes.emplace_back();
      outcomes.back().valid = sample["valid"];
      if (outcomes.back().valid) outcomes.back().reward = sample["reward"];
    }
    const auto advantages = Advantages(kind == "no_std" ? "group_no_std" : "group", {outcomes});
    for (const Advantage& advantage : advantages[0]) all.push_back(advantage[0]);
  }
  return all;
}

TEST(PolicyObjectiveTest, HasTheValuesGradientsAndCountsOfTheIndependentImplementation) {
  int compared = 0;
  for (const auto& golden : GoldenCases()) {
    if (golden["advantage"] == "population_std") continue;  // not one of ours
    SCOPED_TRACE(golden["name"].get<std::string>());
    const GoldenBatch batch = Read(golden, GoldenAdvantages(golden));
    PolicyObjectiveConfig config;
    config.objective.clip_low = golden["clip_low"];
    config.objective.clip_high = golden["clip_high"];
    config.objective.kl_coef = golden["kl_coef"];
    ObjectiveSums sums;
    const int64_t tokens = batch.policy.numel();
    const at::Tensor loss = PolicyObjective(
        config, batch.micro, {batch.policy, at::zeros_like(batch.policy), {}}, &sums);
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

TEST(PolicyObjectiveTest, DropsNothingWhenBehaviorEqualsPolicy) {
  MicroBatch micro;
  micro.behavior_logprobs = at::tensor({-1.0, -2.0}, at::kDouble);
  micro.advantages = at::tensor({2.0, -1.0}, at::kDouble);
  micro.sequences = at::tensor({0, 1}, at::kLong);
  micro.sequence_lengths = at::tensor({1.0, 1.0}, at::kDouble);
  micro.loss_weights = at::tensor({0.5, 0.5}, at::kDouble);
  ObjectiveSums sums;
  const at::Tensor loss = PolicyObjective(
      {}, micro, {micro.behavior_logprobs.clone(), at::zeros({2}, at::kDouble), {}}, &sums);
  EXPECT_DOUBLE_EQ(loss.item<double>(), -0.5);
  EXPECT_EQ(sums.clipped_low + sums.clipped_high, 0);
  EXPECT_EQ(sums.different, 0);
  EXPECT_EQ(sums.difference_max, 0);
  EXPECT_EQ(sums.correction_masked + sums.correction_truncated, 0);
}

TEST(ImitationObjectiveTest, IsTheWeightedNegativeLogProb) {
  ObjectiveSums sums;
  MicroBatch micro;
  micro.loss_weights = at::tensor({0.125, 0.125}, at::kDouble);
  const at::Tensor logprobs = at::tensor({-1.0, -3.0}, at::kDouble);
  EXPECT_DOUBLE_EQ(
      ImitationObjective(micro, {logprobs, at::zeros({2}, at::kDouble), {}}, &sums).item<double>(),
      0.5);
}

}  // namespace
}  // namespace grpo
