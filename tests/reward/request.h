// Makes what a checker looks at, and asks a checker by its specification.
#pragma once

#include <string>

#include "reward/registry.h"

namespace grpo {

inline RewardSpec Spec(const std::string& name) {
  RewardSpec spec;
  spec.name = name;
  return spec;
}

inline Prompt PromptWithAnswer(const std::string& answer) {
  Prompt prompt;
  prompt.name = "test/1";
  prompt.answer = answer;
  prompt.metadata_json = "{}";
  return prompt;
}

// What the checker says of a completion of `num_tokens` under a budget of `max_tokens`.
inline RewardResult Judge(const Reward& reward, const Prompt& prompt, const std::string& completion,
                          int num_tokens = 0, int max_tokens = 0) {
  return reward.Score({prompt, completion, num_tokens, max_tokens, FinishReason::kStop},
                      Deadline::Never());
}

inline RewardResult Judge(const RewardSpec& spec, const Prompt& prompt,
                          const std::string& completion, int num_tokens = 0, int max_tokens = 0) {
  const auto reward = MakeReward(spec);
  if (!reward.ok()) return RewardResult::Error(reward.status().ToString());
  return Judge(**reward, prompt, completion, num_tokens, max_tokens);
}

}  // namespace grpo
