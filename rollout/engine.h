// Samples groups of completions: continuous batching over a paged latent cache, by a team of
// threads that works on one batch. Each prompt is computed once and shared by its group; sequences
// of different lengths leave the batch when they end and others join (rollout/scheduler.h).
//
// What a completion becomes depends on the weights, the prompt, its place in the group and the
// seed, and on nothing else: not on the batch, the number of threads, the order of arrival, or how
// often memory ran out.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/rollout.h"
#include "data/tokenizer.h"
#include "policy/ops.h"
#include "policy/weights.h"
#include "rollout/paged_cache.h"
#include "rollout/rollout_stats.h"
#include "rollout/sampling.h"

namespace grpo {

struct EngineLimits {
  int threads = 2;
  int max_sequences = 256;      // decoded at a time
  int page_size = 16;           // tokens
  int max_prompt_tokens = 512;  // fed in one forward
  int64_t cache_tokens = 0;     // in the cache at a time; 0: all that max_sequences can become
};

struct GenerateRequest {
  std::vector<Prompt> prompts;
  int group_size = 1;
  SamplingConfig sampling;
  uint64_t seed = 0;
  int64_t policy_version = 0;
  const std::atomic<bool>* cancelled =
      nullptr;  // ends early with CancelledError when it becomes true
  // For measurements: the prompts' tokens, one list for each prompt, in place of those of its text;
  // completions that take their whole budget whatever they say.
  std::vector<std::vector<int32_t>> prompt_tokens;
  bool ignore_ends = false;
  Numerics numerics = Numerics::kExact;
  bool int8_weights = false;  // matrices rounded to 8 bits (policy/packed_weights.h)
};

class RolloutEngine {
 public:
  RolloutEngine(std::shared_ptr<const Tokenizer> tokenizer, const ChatFormat& format,
                const EngineLimits& limits)
      : tokenizer_(std::move(tokenizer)), format_(format), limits_(limits) {}

  // One group for each prompt, in their order. Fails when a prompt is empty, or when it and its
  // budget exceed the policy's context or the cache. A budget of no tokens gives empty completions.
  // `stats`, where not null, is filled.
  absl::StatusOr<std::vector<RolloutGroup>> Generate(const Weights& weights,
                                                     const GenerateRequest& request,
                                                     RolloutStats* stats = nullptr) const;

 private:
  absl::StatusOr<std::vector<int32_t>> PromptTokens(const GenerateRequest& request,
                                                    size_t prompt) const;
  absl::StatusOr<std::vector<RolloutGroup>> EmptyGroups(const PolicyConfig& config,
                                                        const GenerateRequest& request) const;
  CacheLimits SizeOfCache(const GenerateRequest& request,
                          const std::vector<RolloutGroup>& groups) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatFormat format_;
  EngineLimits limits_;
};

}  // namespace grpo
