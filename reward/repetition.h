// A penalty for completions that repeat themselves.
#pragma once

#include <memory>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct RepetitionOptions {
  double penalty = 1;
  int ngram = 4;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("penalty", penalty, Range(0, 1000), "taken off at most");
    visit("ngram", ngram, Range(1, 64), "words in an n-gram");
  }
};

// -penalty · (1 - distinct n-grams / n-grams) over the words of the completion (separated by white
// space); 0 with fewer than `ngram` words.
std::unique_ptr<Reward> NewRepetition(const RepetitionOptions& options);

}  // namespace grpo
