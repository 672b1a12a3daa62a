// A suite with its problems, ready to be asked.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/prompt.h"
#include "rl/eval/suite.h"

namespace grpo {

struct LoadedSuite {
  SuiteConfig config;
  std::vector<Prompt> problems;
  std::string digest;              // of its files
  std::vector<std::string> notes;  // records left out, or another count than the published one

  // Keeps the first so many; 0 keeps all.
  void Limit(size_t problems_kept);
};

// Which suite, and which of its problems.
struct SuiteChoice {
  std::string name;  // as LoadSuite takes it
  std::vector<std::string> overrides;
  std::string data;  // folder
  bool skip_bad = false;
  size_t limit = 0;  // as LoadedSuite::Limit
};

// The errors are those of LoadSuite and ReadSuiteProblems.
absl::StatusOr<LoadedSuite> LoadSuiteWithProblems(const SuiteChoice& choice);

}  // namespace grpo
