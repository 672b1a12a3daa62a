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
#include <thread>
#include <vector>

#include "absl/status/statusor.h"

#include "data/chat_format.h"
#include "data/rollout.h"
#include "data/tokenizer.h"
#include "policy/ops.h"
#include "policy/weights.h"
#include "rollout/generation.h"
#include "rollout/rollout_stats.h"
#include "rollout/sampling.h"

namespace grpo {

struct EngineLimits {
  int threads = 2;
  int max_sequences = 256;      // decoded at a time
  int page_size = 16;           // tokens; of bfloat16 kBf16PageTokens whatever this says
  int max_prompt_tokens = 512;  // fed in one forward
  // In the cache at a time; 0: all that max_sequences can become, up to a quarter of the memory.
  int64_t cache_tokens = 0;
  int draft_tokens = 0;  // guessed ahead (rollout/ngram_draft.h); 0: none
  Numerics numerics = Numerics::kExact;
  bool int8_weights = false;  // matrices rounded to 8 bits (policy/packed_weights.h)

  PackOptions packing() const {
    return {.numerics = numerics, .threads = threads, .int8 = int8_weights};
  }
};

// How completions are sampled.
struct GenerateOptions {
  int group_size = 1;
  SamplingConfig sampling;
  uint64_t seed = 0;
  int64_t policy_version = 0;
  bool ignore_ends = false;  // completions take their whole budget whatever they say
  // Ends early with CancelledError when it becomes true.
  const std::atomic<bool>* cancelled = nullptr;
};

struct GenerateRequest : GenerateOptions {
  std::vector<Prompt> prompts;
  // The prompts' tokens, one list for each prompt, in place of those of its text: for measurements.
  std::vector<std::vector<int32_t>> prompt_tokens;
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
  friend class RolloutStream;

  absl::StatusOr<RolloutGroup> EmptyGroup(const PolicyConfig& config,
                                          const GenerateOptions& options, const Prompt& prompt,
                                          const std::vector<int32_t>* prompt_tokens) const;
  // The loop for sequences of up to max_tokens, of which max_sequences run at a time.
  absl::StatusOr<std::unique_ptr<Generation>> Begin(const Weights& weights,
                                                    const PackedWeights& packed,
                                                    const GenerateOptions& options,
                                                    int64_t max_tokens, int64_t max_sequences,
                                                    const std::atomic<bool>* cancelled) const;

  std::shared_ptr<const Tokenizer> tokenizer_;
  ChatFormat format_;
  EngineLimits limits_;
};

// Groups sampled as their prompts come, by the engine's threads in the background. Every function
// may be called by any thread. A group is the one that Generate gives for its prompt.
class RolloutStream {
 public:
  // The policy must stay as it is and where it is as long as the stream lives, the engine too.
  static absl::StatusOr<std::unique_ptr<RolloutStream>> Open(const RolloutEngine& engine,
                                                             const Weights& weights,
                                                             const GenerateOptions& options);
  ~RolloutStream();  // gives up what is not finished
  RolloutStream(const RolloutStream&) = delete;
  RolloutStream& operator=(const RolloutStream&) = delete;

  // Samples a group for the prompt, when there is room. Returns its number, 0 for the first; fails
  // as Generate does. `prompt_tokens`, where not null, stand in for those of its text.
  absl::StatusOr<int64_t> Submit(const Prompt& prompt,
                                 const std::vector<int32_t>* prompt_tokens = nullptr);
  // Gives a group up, unless it is finished: it will not come out of Next.
  void Cancel(int64_t number);
  // No more prompts will come.
  void Close();
  // The next finished group, with its number. Waits for one; nothing when the stream is closed and
  // none is left.
  absl::StatusOr<absl::optional<Generation::Finished>> Next();
  // What was done. After Next has given nothing.
  void AddTo(RolloutStats& stats) const {
    generation_->AddTo(stats);
    stats.bytes_per_weight = packed_->bytes_per_weight;
  }

 private:
  RolloutStream(const RolloutEngine& engine, const Weights& weights, const GenerateOptions& options)
      : engine_(engine), weights_(weights), options_(options) {}

  const RolloutEngine& engine_;
  const Weights& weights_;
  const GenerateOptions options_;
  std::unique_ptr<PackedWeights> packed_;
  std::unique_ptr<Generation> generation_;
  std::thread team_;
};

}  // namespace grpo
