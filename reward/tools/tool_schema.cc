#include "reward/tools/tool_schema.h"

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "reward/tools/python_literal.h"
#include "reward/tools/value_match.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int kMaxDepth = 32;

const json& AnythingGoes() {
  static const json& schema = *new json(json::object());
  return schema;
}

// The schema's type names as JSON Schema says them; empty where it names none or "any".
std::vector<std::string> Types(const json& schema) {
  const json& type = FieldOrNull(schema, "type");
  std::vector<std::string> names;
  for (const json& name : type.is_array() ? type : json::array({type})) {
    const std::string canonical =
        name.is_string() ? CanonicalType(name.get_ref<const std::string&>()) : "any";
    if (canonical == "any") return {};
    names.push_back(canonical);
  }
  return names;
}

bool HasType(const json& value, const std::string& type) {
  if (type == "string") return value.is_string();
  if (type == "integer") return value.is_number_integer();
  if (type == "number") return value.is_number();
  if (type == "boolean") return value.is_boolean();
  if (type == "array") return value.is_array();
  if (type == "object") return value.is_object();
  return value.is_null();
}

absl::Status CheckType(const json& type, const std::string& where) {
  for (const json& name : type.is_array() ? type : json::array({type})) {
    if (!name.is_string() || CanonicalType(name.get_ref<const std::string&>()).empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": expected a type of JSON Schema, found ",
                       QuoteForMessage(name.dump(-1, ' ', true, json::error_handler_t::replace))));
    }
  }
  return absl::OkStatus();
}

// Whether SchemaViolation can read the schema.
absl::Status CheckSchema(const json& schema, const std::string& where, int depth) {
  if (schema.is_boolean()) return absl::OkStatus();
  if (!schema.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": expected a schema, found ", JsonKind(schema)));
  }
  if (depth > kMaxDepth) return absl::InvalidArgumentError(absl::StrCat(where, ": too deep"));
  const auto unusable = [&](absl::string_view key, absl::string_view expected) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": expected \"", key, "\" to be ", expected));
  };
  if (schema.contains("type")) RETURN_IF_ERROR(CheckType(schema["type"], where));
  const json& properties = FieldOrNull(schema, "properties");
  if (!properties.is_null() && !properties.is_object()) {
    return unusable("properties", "an object");
  }
  for (const auto& property : properties.items()) {
    RETURN_IF_ERROR(CheckSchema(property.value(), where, depth + 1));
  }
  for (const char* key : {"items", "additionalProperties"}) {
    if (schema.contains(key)) RETURN_IF_ERROR(CheckSchema(schema[key], where, depth + 1));
  }
  for (const char* key : {"anyOf", "enum"}) {
    if (schema.contains(key) && !schema[key].is_array()) return unusable(key, "a list");
  }
  for (const json& choice : FieldOrNull(schema, "anyOf")) {
    RETURN_IF_ERROR(CheckSchema(choice, where, depth + 1));
  }
  return absl::OkStatus();
}

std::string ListViolation(const json& value, const json& schema) {
  if (!schema.contains("items")) return "";
  for (const json& item : value) {
    const std::string violation = SchemaViolation(item, schema["items"]);
    if (!violation.empty()) return violation;
  }
  return "";
}

std::string ObjectViolation(const json& value, const json& schema) {
  for (const std::string& name : RequiredParameters(schema)) {
    if (!value.contains(name)) return absl::StrCat("lacks \"", QuoteForMessage(name), "\"");
  }
  const json& properties = FieldOrNull(schema, "properties");
  const json& others = FieldOrNull(schema, "additionalProperties");
  for (const auto& item : value.items()) {
    const bool known = properties.contains(item.key());
    if (!known && others.is_null()) continue;
    const std::string violation =
        SchemaViolation(item.value(), known ? properties[item.key()] : others);
    if (!violation.empty()) {
      return absl::StrCat("\"", QuoteForMessage(item.key()), "\": ", violation);
    }
  }
  return "";
}

std::string EnumViolation(const json& value, const json& schema) {
  if (schema.contains("const") && !SameJson(value, schema["const"])) return "not the one value";
  if (!schema.contains("enum")) return "";
  for (const json& allowed : schema["enum"]) {
    if (SameJson(value, allowed)) return "";
  }
  return "not among the allowed values";
}

}  // namespace

std::string CanonicalType(const std::string& name) {
  static const auto& names = *new std::map<std::string, std::string>{
      {"string", "string"}, {"str", "string"},   {"integer", "integer"}, {"int", "integer"},
      {"number", "number"}, {"float", "number"}, {"double", "number"},   {"boolean", "boolean"},
      {"bool", "boolean"},  {"array", "array"},  {"list", "array"},      {"tuple", "array"},
      {"object", "object"}, {"dict", "object"},  {"null", "null"},       {"none", "null"},
      {"any", "any"}};
  const auto found = names.find(absl::AsciiStrToLower(name));
  return found == names.end() ? "" : found->second;
}

absl::StatusOr<Toolbox> ReadToolbox(const json& tools) {
  if (!tools.is_array()) {
    return absl::InvalidArgumentError(
        absl::StrCat("expected \"tools\" to be a list, found ", JsonKind(tools)));
  }
  Toolbox toolbox;
  for (const json& tool : tools) {
    const std::string where = absl::StrCat("tool ", toolbox.size() + 1);
    if (!tool.is_object()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": expected an object, found ", JsonKind(tool)));
    }
    const json& function = tool.contains("function") ? tool["function"] : tool;
    if (!function.is_object()) {
      return absl::InvalidArgumentError(absl::StrCat(where, ": \"function\" is no object"));
    }
    ASSIGN_OR_RETURN(const std::string name, StringField(function, "name", where));
    const json& parameters =
        function.contains("parameters") ? function["parameters"] : AnythingGoes();
    RETURN_IF_ERROR(CheckSchema(parameters, absl::StrCat(where, " (", QuoteForMessage(name), ")"),
                                /*depth=*/0));
    if (!toolbox.emplace(name, parameters).second) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": the name ", QuoteForMessage(name), " stands twice"));
    }
  }
  return toolbox;
}

const json& ParameterSchema(const json& parameters, const std::string& name) {
  const json& properties = FieldOrNull(parameters, "properties");
  return properties.contains(name) ? properties[name] : AnythingGoes();
}

std::vector<std::string> RequiredParameters(const json& parameters) {
  std::vector<std::string> names;
  for (const json& name : FieldOrNull(parameters, "required")) {
    if (name.is_string()) names.push_back(name.get<std::string>());
  }
  return names;
}

std::string SchemaViolation(const json& value, const json& schema) {
  if (schema.is_boolean()) return schema.get<bool>() ? "" : "is not expected";
  const std::vector<std::string> types = Types(schema);
  bool has_type = types.empty();
  for (const std::string& type : types) has_type = has_type || HasType(value, type);
  if (!has_type) return absl::StrCat("expected ", types[0], ", found ", JsonKind(value));
  std::string violation = EnumViolation(value, schema);
  if (violation.empty() && schema.contains("anyOf")) {
    violation = "fits none of the schema's choices";
    for (const json& choice : schema["anyOf"]) {
      if (SchemaViolation(value, choice).empty()) violation = "";
    }
  }
  if (violation.empty() && value.is_array()) violation = ListViolation(value, schema);
  if (violation.empty() && value.is_object()) violation = ObjectViolation(value, schema);
  return violation;
}

void GiveTypes(const json& parameters, ToolCall* call) {
  if (!call->untyped) return;
  call->untyped = false;
  for (auto& argument : call->arguments.items()) {
    const json& schema = ParameterSchema(parameters, argument.key());
    const std::vector<std::string> types = schema.is_object() ? Types(schema) : Types({});
    if (types == std::vector<std::string>{"string"}) continue;
    const std::string text(
        absl::StripAsciiWhitespace(argument.value().get_ref<const std::string&>()));
    if (auto value = ParseJson(text, {argument.key()}); value.ok()) {
      argument.value() = *std::move(value);
      continue;
    }
    PythonReader reader(text);
    json literal;
    if (reader.ReadValue(&literal) && reader.AtEnd()) argument.value() = std::move(literal);
  }
}

}  // namespace grpo
