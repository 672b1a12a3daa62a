// Policies with adapters, on every architecture.
#include "policy/lora.h"

#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include "policy/decoder.h"
#include "tests/policy/golden_policy.h"
#include "tests/policy/random_adapters.h"

namespace grpo {
namespace {

at::Tensor Logits(const Weights& weights, const at::Tensor& tokens) {
  const int64_t length = tokens.numel();
  const at::Tensor hidden =
      DecoderHidden(weights, tokens, at::arange(length),
                    std::vector<int32_t>{0, static_cast<int32_t>(length)}, nullptr, nullptr);
  return Adapt(Linear(hidden, weights.head), 0, hidden, weights.adapters.head);
}

class LoraTest : public testing::TestWithParam<const char*> {
 protected:
  const at::Tensor tokens_ = GoldenReference(GetParam()).at("tokens")[0].contiguous();
};

TEST_P(LoraTest, NewAdaptersChangeNoBit) {
  Weights weights = GoldenWeights(GetParam());
  const at::Tensor before = Logits(weights, tokens_);
  LoraConfig config;
  config.attention_rank = config.mlp_rank = config.expert_rank = config.head_rank = 4;
  weights.adapters = NewAdapters(weights.config, config, 1);
  EXPECT_TRUE(Logits(weights, tokens_).equal(before));
}

TEST_P(LoraTest, GiveTheLogitsOfTheMergedPolicy) {
  Weights weights = GoldenWeights(GetParam());
  const at::Tensor before = Logits(weights, tokens_);
  weights.adapters = RandomAdapters(weights.config, 3);
  const at::Tensor adapted = Logits(weights, tokens_), merged = Logits(weights.Merged(), tokens_);
  EXPECT_FALSE(weights.Merged().adapters.enabled());
  EXPECT_LT((adapted - merged).abs().max().item<float>(), 5e-5);
  EXPECT_GT((adapted - before).abs().max().item<float>(), 1e-2);
}

TEST_P(LoraTest, TrainTheAdaptersAlone) {
  Weights weights = GoldenWeights(GetParam());
  weights.adapters = RandomAdapters(weights.config, 3);
  const std::vector<NamedTensor> trained = weights.TrainedParameters();
  ASSERT_FALSE(trained.empty());
  for (const NamedTensor& parameter : trained) {
    EXPECT_TRUE(parameter.name.find(".lora_") != std::string::npos) << parameter.name;
  }
}

INSTANTIATE_TEST_SUITE_P(Policies, LoraTest, testing::ValuesIn(kGoldenPolicies),
                         [](const auto& info) { return std::string(info.param); });

TEST(NewAdaptersTest, HaveTheShapesOfTheMatricesThatTheyAreFor) {
  const PolicyConfig config = GoldenWeights("policy_v3").config;
  LoraConfig lora;
  lora.attention_rank = 2;
  lora.expert_rank = 3;
  lora.alpha = 8;
  const Adapters adapters = NewAdapters(config, lora, 1);
  const LayerAdapters& first = adapters.layers.front();
  const LayerAdapters& last = adapters.layers.back();
  EXPECT_EQ(first.kv_b.a.sizes(), (std::vector<int64_t>{2, config.kv_lora_rank}));
  EXPECT_EQ(first.o.b.sizes(), (std::vector<int64_t>{config.hidden_size, 2}));
  EXPECT_DOUBLE_EQ(first.o.scale, 4);
  EXPECT_FALSE(first.gate.defined());
  EXPECT_FALSE(first.expert_down.defined());
  EXPECT_EQ(last.expert_gate_up.b.sizes(),
            (std::vector<int64_t>{config.n_routed_experts, 2 * config.moe_intermediate_size, 3}));
  EXPECT_FALSE(adapters.head.defined());
  EXPECT_FALSE(NewAdapters(config, LoraConfig(), 1).enabled());
}

}  // namespace
}  // namespace grpo
