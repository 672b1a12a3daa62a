#include "rl/eval/loaded_suite.h"

#include <utility>

#include "absl/strings/str_cat.h"

#include "data/status_macros.h"

namespace grpo {

void LoadedSuite::Limit(size_t problems_kept) {
  if (problems_kept > 0 && problems.size() > problems_kept) problems.resize(problems_kept);
}

absl::StatusOr<LoadedSuite> LoadSuiteWithProblems(const SuiteChoice& choice) {
  LoadedSuite suite;
  ASSIGN_OR_RETURN(suite.config, LoadSuite(choice.name, choice.overrides));
  ASSIGN_OR_RETURN(SuiteProblems read,
                   ReadSuiteProblems(suite.config, choice.data, choice.skip_bad));
  for (const std::string& reason : read.skipped) {
    suite.notes.push_back(absl::StrCat("left out: ", reason));
  }
  const size_t published = suite.config.data.records;
  if (published > 0 && read.problems.size() != published) {
    suite.notes.push_back(absl::StrCat(suite.config.name, ": ", read.problems.size(),
                                       " problems, where the published file has ", published));
  }
  suite.problems = std::move(read.problems);
  suite.digest = read.digest;
  suite.Limit(choice.limit);
  return suite;
}

}  // namespace grpo
