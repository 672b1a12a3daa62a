// The checker `code_tests`: whether the program in a completion passes the task's tests.
#pragma once

#include <memory>
#include <string>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct CodeTestsOptions {
  std::string extract = "fenced_or_text";
  std::string output = "lines";
  bool fractional = false;
  std::string tier = "auto";
  double seconds = 6;
  int memory_mb = 512;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit(
        "extract", extract, OneOf{{"fenced_or_text", "fenced", "none"}},
        "where the program stands: the last fenced block of the language, else the whole text; in "
        "such a block alone; or the completion as it is, thoughts and all");
    visit("output", output, OneOf{{"lines", "tokens", "exact"}},
          "what of a program's output must be the expected: lines but for white space at their "
          "ends, words, or every byte");
    visit("fractional", fractional, NoConstraint(),
          "whether the score is the share of cases passed; else 1 for all of them and 0 for fewer");
    visit("tier", tier, OneOf{{"auto", "namespaces", "landlock"}},
          "the sandbox: the strongest that works here, or that one and no other");
    visit("seconds", seconds, Range(0.1, 600), "wall time for all of a completion's tests");
    visit("memory_mb", memory_mb, Range(64, 65536), "address space of a process, in MiB");
  }
};

// 1 where the program passes every test of Prompt::metadata_json's field "tests" (test_suite.h),
// else 0; part "passed" is the share of cases. Expected values never enter the sandbox (calls,
// stdio) or never the program's process (asserts). Invalid where the tests are unusable, an error
// where the sandbox failed. Making one fails where no sandbox works here.
absl::StatusOr<std::unique_ptr<Reward>> NewCodeTests(const CodeTestsOptions& options);

}  // namespace grpo
