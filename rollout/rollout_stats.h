// What one call of the rollout engine did, and how long its parts took. Times are for people: no
// result depends on them.
#pragma once

#include <cstdint>
#include <vector>

namespace grpo {

struct RolloutStats {
  int64_t forwards = 0;
  int64_t prefill_tokens = 0;       // fed as prompts; a group's prompt counts once
  int64_t decode_tokens = 0;        // fed one after the other
  int64_t completion_tokens = 0;    // sampled
  int64_t prompt_tokens_asked = 0;  // prompts as often as their groups have completions
  // Of each thread, in seconds. A forward of both kinds is shared out by its tokens.
  std::vector<double> prefill_seconds;
  std::vector<double> decode_seconds;
  std::vector<double> sampling_seconds;
  std::vector<double> decode_step_seconds;  // of every forward that decodes: between two tokens
  int64_t peak_cache_bytes = 0;             // in pages that sequences held, over all threads

  // Rows decoded together, on average.
  double MeanDecodeBatch() const {
    return decode_step_seconds.empty()
               ? 0
               : static_cast<double>(decode_tokens) / decode_step_seconds.size();
  }
};

}  // namespace grpo
