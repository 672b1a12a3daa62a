// What a completion that repeats itself costs.
#pragma once

#include <memory>
#include <string>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct RepetitionOptions {
  double penalty = 1;          // taken off at most
  int ngram = 4;               // units in an n-gram
  std::string unit = "words";  // "characters" for languages that write without spaces

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("penalty", penalty, Range(0, 1000), "taken off at most");
    visit("ngram", ngram, Range(1, 64), "units in an n-gram");
    visit("unit", unit, OneOf{{"words", "characters"}},
          "words: separated by white space; characters: for languages without spaces");
  }
};

// -penalty · (1 - distinct n-grams / n-grams) over the words of the completion (separated by white
// space) or its characters (white space left out); 0 with fewer than `ngram` of them.
std::unique_ptr<Reward> NewRepetition(const RepetitionOptions& options);

}  // namespace grpo
