#include "rl/network_cost.h"

#include <gtest/gtest.h>

#include "policy/weights.h"
#include "tests/policy/tiny_policy.h"

namespace grpo {
namespace {

// Matrices that a token passes when it chooses every expert.
double MatrixElements(const PolicyConfig& config) {
  double elements = 0;
  Weights weights = Weights::Allocate(config, at::kFloat);
  ForEachTensor(weights, [&](at::Tensor& tensor) {
    if (tensor.dim() > 1) elements += tensor.numel();
  });
  const bool tied = config.tie_word_embeddings;
  return elements - (tied ? 0 : weights.embedding.numel());  // its rows are looked up
}

PolicyConfig Grouped() {
  PolicyConfig config = TinyConfig();
  config.model_type = "qwen3_moe";
  config.num_key_value_heads = 1;
  config.head_dim = 8;
  config.n_shared_experts = 0;
  config.tie_word_embeddings = true;
  return config;
}

TEST(DecodeCostTest, IsTwoOperationsForEachWeightThatATokenPasses) {
  for (PolicyConfig config : {TinyConfig(), Grouped()}) {
    config.num_experts_per_tok = config.n_routed_experts;
    const WorkCost cost = DecodeStepCost(config, /*batch=*/3, /*context=*/0,
                                         /*bytes_per_weight=*/2, /*bytes_per_cached=*/4)
                              .Total();
    EXPECT_EQ(cost.flops, 3 * 2 * MatrixElements(config));
    EXPECT_EQ(cost.bytes, 2 * MatrixElements(config));
  }
}

TEST(DecodeCostTest, CountsAttentionOverTheCache) {
  const PolicyConfig config = TinyConfig();
  const double row = config.kv_lora_rank + config.qk_rope_head_dim;
  const WorkCost attention = DecodeStepCost(config, 5, 100, 4, 4).attention;
  EXPECT_EQ(attention.flops, 5 * 2 * 100 * config.num_hidden_layers * config.num_attention_heads *
                                 (row + config.kv_lora_rank));
  EXPECT_EQ(attention.bytes, 5 * 100 * config.num_hidden_layers * row * 4);
}

TEST(DecodeCostTest, ReachesMoreExpertsWithMoreTokens) {
  PolicyConfig config = TinyConfig();
  config.num_experts_per_tok = 1;
  const double one = DecodeStepCost(config, 1, 0, 4, 4).experts.bytes,
               many = DecodeStepCost(config, 1000, 0, 4, 4).experts.bytes;
  const double expert = 3.0 * config.hidden_size * config.moe_intermediate_size * 4;
  EXPECT_NEAR(many - one, expert * (config.n_routed_experts - 1) * config.num_moe_layers(), 1e-6);
}

TEST(DecodeCostTest, TakesEachKindOfWorkAtTheLimitThatItMeets) {
  DecodeCost cost;
  cost.products = {.flops = 100, .bytes = 1};  // 10 s and 0.5 s
  cost.experts = {.flops = 20, .bytes = 30};   // 2 s and 15 s
  cost.head = {.flops = 10, .bytes = 2};       // 1 s and 1 s
  EXPECT_EQ(cost.SecondsInTurn(/*flops_per_second=*/10, /*bytes_per_second=*/2), 10 + 15 + 1);
}

TEST(UpdateFlopsTest, IsSixOperationsForEachWeightAndAttentionOverWhatCameBefore) {
  PolicyConfig config = TinyConfig();
  config.num_experts_per_tok = config.n_routed_experts;
  const double head = static_cast<double>(config.vocab_size) * config.hidden_size;
  const double attention = config.num_hidden_layers * config.num_attention_heads *
                           (config.qk_nope_head_dim + config.qk_rope_head_dim + config.v_head_dim);
  EXPECT_EQ(UpdateFlops(config, {}), 6 * (MatrixElements(config) + attention));
  // Four tokens are fed, and see 1, 2, 3 and 4; two are predicted.
  const UpdateSize five = {.prompts = 1, .group = 5, .prompt_tokens = 3, .new_tokens = 2};
  EXPECT_EQ(UpdateFlops(config, five),
            5 * 6 * (4 * (MatrixElements(config) - head) + 2 * head + 10 * attention));
  // The prompt's three once, and five that see 4.
  UpdateSize shared = five;
  shared.share_prompts = true;
  EXPECT_EQ(UpdateFlops(config, shared),
            6 * (8 * (MatrixElements(config) - head) + 10 * head + (6 + 20) * attention));
}

}  // namespace
}  // namespace grpo
