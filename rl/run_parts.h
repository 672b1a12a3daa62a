// Everything a run is made of, built from its recipe: tokenizer, policy, prompts, rewards,
// evaluations.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/prompt_source.h"
#include "data/tokenizer.h"
#include "policy/weights.h"
#include "reward/scorer.h"
#include "rl/evaluation.h"
#include "rl/recipe.h"
#include "rollout/engine.h"

namespace grpo {

struct RunParts {
  std::shared_ptr<const Tokenizer> tokenizer;
  ChatFormat format;
  Weights weights;
  std::unique_ptr<PromptSource> demonstrations;  // for sft; null without that stage
  std::unique_ptr<PromptSource> prompts;         // for grpo; null without that stage
  std::vector<Evaluation> evaluations;           // with their engines
  std::unique_ptr<Scorer> scorer;                // null without rewards
  std::shared_ptr<const RolloutEngine> engine;
};

EngineLimits EngineLimitsOf(const RolloutConfig& config, int threads);

// `policy`, when not empty, is where weights and tokenizer come from, whatever the recipe says: a
// checkpoint to resume, or the folder or GGUF file of a policy to evaluate.
absl::StatusOr<RunParts> BuildRunParts(const Recipe& recipe, const std::string& policy);

}  // namespace grpo
