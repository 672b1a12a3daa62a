// What sampling yields: completions with everything the learner must replay.
//
// Letters: T completion tokens, S prompt tokens, M MoE layers, K experts per token.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/prompt.h"

namespace grpo {

enum class FinishReason {
  kStop,    // a stop token (kept as the last token) or a stop string was produced
  kLength,  // the token budget ran out
};

// One completion.
struct Rollout {
  uint64_t prompt_id = 0;
  int sample_index = 0;  // place in its group, 0 to G-1
  // [T] Completion only, a stop token included.
  std::vector<int32_t> tokens;
  // [T] Log-prob of each token under the sampling policy at the sampling temperature, over the
  // whole vocabulary.
  std::vector<float> logprobs;
  // [T] Log of the probability mass kept by top-k, top-p and min-p; empty when nothing was cut off.
  std::vector<float> log_kept_mass;
  // [T] 1 for a token that was not drawn but forced (rollout/thinking_budget.h), from which nothing
  // is learned; empty when none was. Its log-prob is recorded like any other's, its log_kept_mass
  // is 0.
  std::vector<uint8_t> forced;
  // [T-1, M, K] Experts chosen while each token was fed, ascending ids; the last token is never
  // fed.
  std::vector<int16_t> experts;
  FinishReason finish = FinishReason::kStop;
  int64_t policy_version = 0;  // of the weights that sampled it
  std::string text;            // decoded completion without the stop token
};

// The completions of one prompt.
struct RolloutGroup {
  Prompt prompt;
  std::vector<int32_t> prompt_tokens;   // [S]
  std::vector<int16_t> prompt_experts;  // [S, M, K]
  std::vector<Rollout> rollouts;        // G of them
};

}  // namespace grpo
