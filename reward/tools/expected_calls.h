// The ground truth of a tool task.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "reward/tools/tool_schema.h"

namespace grpo {

struct ExpectedCall {
  std::string name;
  // By parameter: the value where `plain`, else the list of allowed values in BFCL's form, in which
  // "" says that the argument may be missing.
  nlohmann::json arguments;
  bool plain = true;
};

// Reads a call or a list of calls, each plain ({"name", "arguments"} and the other OpenAI shapes)
// or in BFCL's form ({"f": {"x": [1, ""]}}). An empty list says that nothing is to be called. An
// error where it is something else.
absl::StatusOr<std::vector<ExpectedCall>> ReadExpectedCalls(const nlohmann::json& value);

// Whether the argument must be there.
bool IsRequired(const ExpectedCall& call, const std::string& parameter);

// The argument's allowed values in BFCL's form, also of a plain call.
nlohmann::json AllowedValues(const ExpectedCall& call, const std::string& parameter);

// An error where no completion could be right: a tool that is not there, a required parameter that
// is not expected, an argument none of whose values fits the tool's schema.
absl::Status CheckAgainstTools(const std::vector<ExpectedCall>& expected, const Toolbox& tools);

}  // namespace grpo
