// How a token is drawn from logits.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"

#include "data/config_fields.h"

namespace grpo {

struct LogitBias {
  int token = 0;
  double bias = 0;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("token", token, Range(0, 1 << 30), "id in the vocabulary");
    visit("bias", bias, Range(-10000, 10000), "added to the token's logit; -1000 bans it");
  }
};

// The order in which the settings act: repetition_penalty and logit_bias on the logits, then
// temperature, top_k, top_p and min_p, each on what the one before it left.
struct SamplingConfig {
  double temperature = 1;         // 0: the most likely token
  int top_k = 0;                  // 0: off
  double top_p = 1;               // 1: off
  double min_p = 0;               // 0: off; share of the most likely token's probability
  double repetition_penalty = 1;  // 1: off
  std::vector<LogitBias> logit_bias = {};
  int max_new_tokens = 96;  // budget of a completion
  std::vector<std::string> stop_strings = {};
  int thinking_budget = 0;  // tokens; 0: off
  std::string thinking_end = "</think>";

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("temperature", temperature, Range(0, 100), "0 takes the most likely token");
    visit("top_k", top_k, AtLeast(0), "keeps the k most likely tokens; 0 is off");
    visit("top_p", top_p, Range(0, 1), "keeps the smallest set with this mass; 1 is off");
    visit("min_p", min_p, Range(0, 1),
          "drops tokens below this share of the best one's probability; 0 is off");
    visit("repetition_penalty", repetition_penalty, Range(0.01, 100),
          "divides positive and multiplies negative logits of tokens seen before; 1 is off");
    visit("logit_bias", logit_bias, NoConstraint(), "what is added to the logits of some tokens");
    visit("max_new_tokens", max_new_tokens, Range(1, 1 << 20), "token budget of a completion");
    visit("stop_strings", stop_strings, NotEmpty(), "texts that end a completion");
    visit("thinking_budget", thinking_budget, Range(0, 1 << 20),
          "tokens after which thinking is ended by force; 0 is off");
    visit("thinking_end", thinking_end, NotEmpty(), "text that ends thinking");
  }
};

// Whether the settings fit a policy's vocabulary: logit_bias names tokens of it, each once.
absl::Status CheckVocabulary(const SamplingConfig& config, int vocabulary_size);

// Whether the policy can learn from what is drawn. Samples must come from the policy itself, or
// from it restricted to a kept set: a penalty or a bias draws from another distribution, and the
// ratio of the learner's to the recorded log-probs would be taken against the wrong one.
absl::Status CheckForTraining(const SamplingConfig& config);

}  // namespace grpo
