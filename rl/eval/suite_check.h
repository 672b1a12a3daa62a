// Tries a suite without a policy: its own solutions must be right, nothing else.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "rl/eval/suite.h"

namespace grpo {

struct SuiteCheck {
  // Of one kind of completion: how many there were, and how many were right.
  struct Count {
    int completions = 0;
    int right = 0;
  };
  Count solutions;  // the problems' own
  Count wrong;      // the solution of a later problem with another answer, where there is one
  Count empty;
  // What was not as it should be, with the checker's reason: "math500 test/algebra/7.json: its own
  // solution is wrong: …".
  std::vector<std::string> exceptions;
};

// Scores up to three completions of each problem with the suite's rewards.
absl::StatusOr<SuiteCheck> CheckSuite(const SuiteConfig& suite,
                                      const std::vector<Prompt>& problems);

}  // namespace grpo
