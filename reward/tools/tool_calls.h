// The checker `tool_calls`: whether a completion calls the tools that the task asks for.
#pragma once

#include <memory>
#include <string>

#include "data/config_fields.h"
#include "reward/reward.h"

namespace grpo {

struct ToolCallsOptions {
  std::string matching = "strict";
  std::string strings = "exact";
  bool partial = false;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("matching", matching, OneOf{{"strict", "bfcl"}},
          "strict compares by type and schema; bfcl follows the rules of the Berkeley Function "
          "Calling Leaderboard");
    visit("strings", strings, OneOf{{"exact", "folded"}},
          "how strict matching compares strings: exact, or folded (without case and white space)");
    visit("partial", partial, NoConstraint(),
          "a reply that is not right scores the mean of its parts instead of 0");
  }
};

// 1 where the calls in the reply (call_parser.h; the thought is dropped first) are the expected
// ones, in any order, each with the expected arguments, else 0.
//
// Of the task: metadata "tools" (or "function"), the tools' definitions (ReadToolbox), may be
// missing; the expected calls (ReadExpectedCalls) in metadata "expected_calls" or, where that is
// missing, as JSON in Prompt::answer. Invalid where these cannot be read, where no completion
// could be right (under strict matching) and where the definitions are missing (under BFCL's).
//
// More calls than expected score 0, so that guessing does not pay; the same call in two forms is
// two calls. Where no call is expected a reply that is not blank and calls nothing scores 1.
//
// Parts, each from 0 to 1: parse (calls were found, not too many, and nothing else looked like
// one), and over the
// best pairing of written with expected calls the means of name, keys (shared names of arguments
// over all names, optional ones that are missing left out) and values (arguments that are right,
// over the same); a pair with different names has neither keys nor values.
//
// The options must be out of their sets (the recipe reader sees to it).
std::unique_ptr<Reward> NewToolCalls(const ToolCallsOptions& options);

}  // namespace grpo
