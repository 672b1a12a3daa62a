// What a tool takes: its definition and the check of arguments against it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

#include "reward/tools/tool_call.h"

namespace grpo {

// The parameters' schema of each tool by the tool's name.
using Toolbox = std::map<std::string, nlohmann::json>;

// Reads a list of definitions: {"type": "function", "function": {"name", "parameters"}} (OpenAI) or
// {"name", "parameters"} (also BFCL's). An error where a definition cannot be used: no name, a name
// twice, a schema that is no object, a type that is not known, more than 32 levels.
absl::StatusOr<Toolbox> ReadToolbox(const nlohmann::json& tools);

// The type's name in JSON Schema of any of the names in use: "dict" is "object", "float" and
// "double" are "number", "tuple" and "list" are "array"; "any" stays. Empty where it is unknown.
std::string CanonicalType(const std::string& name);

// The schema of a parameter, or {} (anything goes) where the tool has none for it.
const nlohmann::json& ParameterSchema(const nlohmann::json& parameters, const std::string& name);

// The parameters that a schema requires.
std::vector<std::string> RequiredParameters(const nlohmann::json& parameters);

// What is wrong with the value, empty where nothing is. Looks at type (a name or a list of names),
// enum, const, anyOf, items, properties, required and additionalProperties, and at no other word of
// JSON Schema. A bool is no number, 5.0 is no integer, 5 is a number.
std::string SchemaViolation(const nlohmann::json& value, const nlohmann::json& schema);

// Gives the arguments of an untyped call the types that the schema asks for: what is to be a string
// stays as it is written, anything else is read as JSON or as a Python literal, and stays a string
// where it is neither.
void GiveTypes(const nlohmann::json& parameters, ToolCall* call);

}  // namespace grpo
