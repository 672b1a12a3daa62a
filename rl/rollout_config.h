// The settings of rollouts that recipes and `grpo bench rollout` share.
#pragma once

#include <cstdint>
#include <string>

#include "data/config_fields.h"

namespace grpo {

// How completions are sampled, apart from what they are.
struct RolloutConfig {
  int max_sequences = 256;
  int max_prompt_tokens = 512;
  int64_t cache_tokens = 0;
  int draft_tokens = 0;
  std::string numerics = "exact";
  std::string weights = "as_given";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("max_sequences", max_sequences, Range(1, 1 << 16), "completions sampled at a time");
    visit("max_prompt_tokens", max_prompt_tokens, Range(1, 1 << 20),
          "tokens of prompts fed in one forward");
    visit("cache_tokens", cache_tokens, AtLeast(0),
          "tokens in the cache at a time; with fewer, sequences wait for one another; 0: as many "
          "as max_sequences can have");
    visit("draft_tokens", draft_tokens, Range(0, 64),
          "most tokens guessed ahead where few completions run or one repeats itself; changes no "
          "token; 0 is off");
    visit("numerics", numerics, OneOf{{"exact", "fast"}},
          "exact: recorded log-probs are the learner's, bit for bit; fast: LibTorch's products");
    visit("weights", weights, OneOf{{"as_given", "int8"}},
          "int8 samples with matrices rounded to 8 bits; log-probs then differ from the learner's");
  }
};

}  // namespace grpo
