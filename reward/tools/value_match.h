// When an argument says what was expected: typed comparison of JSON values.
#pragma once

#include "nlohmann/json.hpp"

namespace grpo {

// How strings are compared.
enum class StringRule {
  kExact,   // byte by byte
  kFolded,  // without case, width and white space (FoldText)
};

// Whether two numbers have the same value; exact, also for integers beyond 2^53. A bool is none.
bool SameNumber(const nlohmann::json& a, const nlohmann::json& b);

// Whether two values are the same: numbers by value (1 is 1.0), a bool is no number, strings
// exactly, lists in order, objects by key.
bool SameJson(const nlohmann::json& a, const nlohmann::json& b);

// SameJson, with strings by the rule, and with the types that the schema asks for: a float stands
// for an integer (5.0 for 5) only where the schema says number.
bool ValueMatches(const nlohmann::json& value, const nlohmann::json& expected,
                  const nlohmann::json& schema, StringRule strings);

// Whether the value is one of `allowed` as in BFCL's possible answers: a list whose items are
// values; an object among them, at whatever depth, has for each key the list of what is allowed
// there. "" in a list says that the key may be missing, and is no value itself.
bool ValueAllowed(const nlohmann::json& value, const nlohmann::json& allowed,
                  const nlohmann::json& schema, StringRule strings);

// Whether what a list of allowed values belongs to may be missing.
bool MayBeMissing(const nlohmann::json& allowed);

// The first value that one of BFCL's items (not a list of allowed values) stands for.
nlohmann::json FirstInstance(const nlohmann::json& item);

}  // namespace grpo
