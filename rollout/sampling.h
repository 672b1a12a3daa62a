// How a token is drawn from logits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/config_fields.h"

namespace grpo {

struct SamplingConfig {
  double temperature = 1;   // 0: the most likely token
  int top_k = 0;            // 0: off
  double top_p = 1;         // 1: off
  double min_p = 0;         // 0: off; share of the most likely token's probability
  int max_new_tokens = 96;  // budget of a completion
  std::vector<std::string> stop_strings;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("temperature", temperature, Range(0, 100), "0 takes the most likely token");
    visit("top_k", top_k, AtLeast(0), "keeps the k most likely tokens; 0 is off");
    visit("top_p", top_p, Range(0, 1), "keeps the smallest set with this mass; 1 is off");
    visit("min_p", min_p, Range(0, 1),
          "drops tokens below this share of the best one's probability; 0 is off");
    visit("max_new_tokens", max_new_tokens, Range(1, 1 << 20), "token budget of a completion");
    visit("stop_strings", stop_strings, NotEmpty(), "texts that end a completion");
  }
};

}  // namespace grpo
