// An engine with a small random policy.
#pragma once

#include <gtest/gtest.h>

#include "data/chat_format.h"
#include "rollout/engine.h"

namespace grpo {

inline std::shared_ptr<const Tokenizer> SmallTokenizer() {
  const auto tokenizer = Tokenizer::Train({"Compute 12+34. <think>"}, 264,
                                          ChatFormat::SpecialTokens(), ChatFormat::VisibleTokens());
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *tokenizer;
}

inline Weights SmallWeights(const std::string& model_type) {
  PolicyConfig config;
  config.model_type = model_type;
  if (!config.architecture().latent()) {
    config.scoring_func = "softmax";
    config.topk_method = "greedy";
    config.n_shared_experts = 0;
  }
  config.vocab_size = SmallTokenizer()->vocabulary_size();
  config.hidden_size = 32;
  config.intermediate_size = 48;
  config.moe_intermediate_size = 16;
  config.num_hidden_layers = 3;
  config.q_lora_rank = 12;
  config.max_position_embeddings = 128;
  return Weights::Random(config, 0.3, 3);
}

inline RolloutEngine SmallEngine(const EngineLimits& limits) {
  const auto tokenizer = SmallTokenizer();
  return RolloutEngine(tokenizer, *ChatFormat::OfTrainedTokenizer(*tokenizer), limits);
}

inline void ExpectSameRollouts(const RolloutGroup& a, const RolloutGroup& b) {
  EXPECT_EQ(a.prompt_experts, b.prompt_experts);
  ASSERT_EQ(a.rollouts.size(), b.rollouts.size());
  for (size_t i = 0; i < a.rollouts.size(); ++i) {
    EXPECT_EQ(a.rollouts[i].tokens, b.rollouts[i].tokens);
    EXPECT_EQ(a.rollouts[i].logprobs, b.rollouts[i].logprobs);
    EXPECT_EQ(a.rollouts[i].experts, b.rollouts[i].experts);
  }
}

}  // namespace grpo
