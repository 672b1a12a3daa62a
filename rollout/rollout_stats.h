// What one call of the rollout engine did, and how long its parts took. Times are for people: no
// result depends on them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace grpo {

// The kinds of work in a forward and around it.
enum class WorkKind {
  kProducts,
  kExperts,
  kAttention,
  kRows,
  kHead,
  kSampling,
  kPlanning,
  kWaiting
};
inline constexpr int kNumWorkKinds = 8;
inline constexpr std::array<const char*, kNumWorkKinds> kWorkKindNames = {
    "products", "experts", "attention", "rows", "head", "sampling", "planning", "waiting"};

using WorkSeconds = std::array<double, kNumWorkKinds>;

struct RolloutStats {
  int64_t forwards = 0;
  int64_t prefill_tokens = 0;       // fed as prompts; a group's prompt counts once
  int64_t decode_tokens = 0;        // fed one after the other
  int64_t recomputed_tokens = 0;    // fed again after their sequence had lost its pages
  int64_t shared_tokens = 0;        // of prompts, found in the cache
  int64_t drafted_tokens = 0;       // fed as guesses
  int64_t accepted_tokens = 0;      // guesses that came
  int64_t preemptions = 0;          // of sequences that lost their pages
  int64_t completion_tokens = 0;    // sampled
  int64_t prompt_tokens_asked = 0;  // prompts as often as their groups have completions
  // In seconds; a forward of both kinds is shared out by its tokens.
  double prefill_seconds = 0;
  double decode_seconds = 0;
  double sampling_seconds = 0;
  std::vector<double> decode_step_seconds;  // of every forward that decodes: between two tokens
  WorkSeconds work_seconds = {};            // over all threads
  double bytes_per_weight = 0;              // as read by products, on average
  int64_t peak_cache_bytes = 0;             // in pages that sequences held

  // Rows decoded together, on average.
  double MeanDecodeBatch() const {
    return decode_step_seconds.empty()
               ? 0
               : static_cast<double>(decode_tokens) / decode_step_seconds.size();
  }
};

}  // namespace grpo
