// A call of a tool, however the policy wrote it.
#pragma once

#include <string>
#include <vector>

#include "nlohmann/json.hpp"

namespace grpo {

// Example: {"get_weather", {"city": "Paris", "days": 3}}.
struct ToolCall {
  std::string name;
  nlohmann::json arguments;  // an object
  // The form has no types (XML): each argument is a string that stands for what the tool's schema
  // says (GiveTypes).
  bool untyped = false;
};

// What a reply calls. Where `fault` is not empty something in the reply looks like a call and is
// none (or there are too many), and `calls` says nothing.
struct ParsedCalls {
  std::vector<ToolCall> calls;
  std::string fault;
};

}  // namespace grpo
