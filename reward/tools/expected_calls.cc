#include "reward/tools/expected_calls.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "reward/tools/call_parser.h"
#include "reward/tools/value_match.h"

namespace grpo {
namespace {

using nlohmann::json;

// {"f": {"x": [1, 2, ""]}}
bool IsBfclForm(const json& value) {
  if (!value.is_object() || value.size() != 1 || !value.begin()->is_object()) return false;
  return std::all_of(value.begin()->begin(), value.begin()->end(),
                     [](const json& allowed) { return allowed.is_array(); });
}

absl::Status ReadCall(const json& value, std::vector<ExpectedCall>* expected) {
  std::vector<ToolCall> calls;
  if (value.is_object() && CallsFromJson(value, &calls).empty()) {
    for (ToolCall& call : calls) {
      expected->push_back({std::move(call.name), std::move(call.arguments), /*plain=*/true});
    }
    return absl::OkStatus();
  }
  if (!IsBfclForm(value)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "expected call ", expected->size() + 1,
        ": expected {\"name\", \"arguments\"} or {\"function\": {\"parameter\": [allowed values]}},"
        " found ",
        QuoteForMessage(value.dump(-1, ' ', true, json::error_handler_t::replace))));
  }
  expected->push_back({value.begin().key(), *value.begin(), /*plain=*/false});
  return absl::OkStatus();
}

// A value as an item of a list of allowed values.
json AsItem(const json& value) {
  json item = value;
  for (auto& part : item.items()) {
    if (value.is_object()) {
      part.value() = json::array({AsItem(part.value())});
    } else if (value.is_array()) {
      part.value() = AsItem(part.value());
    }
  }
  return item;
}

// Whether one of the argument's values fits the schema.
bool CanFit(const ExpectedCall& call, const json& argument, const json& schema) {
  if (call.plain) return SchemaViolation(argument, schema).empty();
  return std::any_of(argument.begin(), argument.end(), [&](const json& item) {
    return item != "" && SchemaViolation(FirstInstance(item), schema).empty();
  });
}

absl::Status CheckCall(const ExpectedCall& call, const Toolbox& tools) {
  const std::string where = absl::StrCat("expected call of ", QuoteForMessage(call.name));
  const auto tool = tools.find(call.name);
  if (tool == tools.end()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": there is no such tool"));
  }
  for (const std::string& name : RequiredParameters(tool->second)) {
    if (!call.arguments.contains(name)) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": lacks the required parameter ", QuoteForMessage(name)));
    }
  }
  for (const auto& argument : call.arguments.items()) {
    const json& schema = ParameterSchema(tool->second, argument.key());
    if (IsRequired(call, argument.key()) && !CanFit(call, argument.value(), schema)) {
      return absl::InvalidArgumentError(absl::StrCat(
          where, ": no value for ", QuoteForMessage(argument.key()), " fits the tool's schema"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::vector<ExpectedCall>> ReadExpectedCalls(const json& value) {
  std::vector<ExpectedCall> expected;
  if (!value.is_array()) {
    RETURN_IF_ERROR(ReadCall(value, &expected));
    return expected;
  }
  for (const json& item : value) RETURN_IF_ERROR(ReadCall(item, &expected));
  if (expected.size() > kMaxCalls) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected at most ", kMaxCalls, " calls, found ", expected.size()));
  }
  return expected;
}

bool IsRequired(const ExpectedCall& call, const std::string& parameter) {
  return call.plain || !MayBeMissing(call.arguments[parameter]);
}

json AllowedValues(const ExpectedCall& call, const std::string& parameter) {
  const json& argument = call.arguments[parameter];
  return call.plain ? json::array({AsItem(argument)}) : argument;
}

absl::Status CheckAgainstTools(const std::vector<ExpectedCall>& expected, const Toolbox& tools) {
  for (const ExpectedCall& call : expected) RETURN_IF_ERROR(CheckCall(call, tools));
  return absl::OkStatus();
}

}  // namespace grpo
