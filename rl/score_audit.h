// How often the rewards agree with verdicts that are known.
#pragma once

#include <cstdint>
#include <string>

#include "absl/types/optional.h"

#include "reward/scored_group.h"

namespace grpo {

// Counts of completions. One passes where its reward is at least 1.
struct ScoreAudit {
  int64_t true_positives = 0;    // passes, and should
  int64_t false_positives = 0;   // passes, and should not: what a policy would learn to exploit
  int64_t true_negatives = 0;    // does not pass, and should not
  int64_t false_negatives = 0;   // does not pass, and should
  int64_t undecided = 0;         // invalid: nothing was said
  int64_t errors = 0;            // a checker failed
  int64_t without_expected = 0;  // counted nowhere else

  void Add(const Score& score, const absl::optional<bool>& passes);
  void Add(const ScoreAudit& other);

  // A table for people, whose last line is the counts as a JSON object.
  std::string ToString() const;
};

}  // namespace grpo
