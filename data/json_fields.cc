#include "data/json_fields.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/json.h"

namespace grpo {
namespace {

absl::Status WrongType(const std::string& where, const std::string& key, absl::string_view expected,
                       const nlohmann::json& found) {
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": \"", key, "\": expected ", expected, ", found ", JsonKind(found)));
}

}  // namespace

absl::StatusOr<bool> BoolField(const nlohmann::json& object, const std::string& key, bool otherwise,
                               const std::string& where) {
  const auto field = object.find(key);
  if (field == object.end()) return otherwise;
  if (!field->is_boolean()) return WrongType(where, key, "true or false", *field);
  return field->get<bool>();
}

absl::StatusOr<std::string> StringField(const nlohmann::json& object, const std::string& key,
                                        const std::string& where) {
  const auto field = object.find(key);
  if (field == object.end()) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": \"", key, "\" is missing"));
  }
  if (!field->is_string()) return WrongType(where, key, "a string", *field);
  return field->get<std::string>();
}

absl::StatusOr<const nlohmann::json*> ListField(const nlohmann::json& object,
                                                const std::string& key, const std::string& where) {
  const nlohmann::json& field = FieldOrNull(object, key);
  if (!field.is_array()) return WrongType(where, key, "a list", field);
  return &field;
}

absl::StatusOr<std::string> TypeField(const nlohmann::json& component, const std::string& where) {
  if (component.is_object()) return StringField(component, "type", where);
  return absl::InvalidArgumentError(
      absl::StrCat(where, ": expected an object, found ", JsonKind(component)));
}

const nlohmann::json& FieldOrNull(const nlohmann::json& object, const std::string& key) {
  static const nlohmann::json& null = *new nlohmann::json(nullptr);
  const auto field = object.find(key);
  return field == object.end() ? null : *field;
}

std::string FieldNames(const nlohmann::json& object) {
  std::vector<std::string> names;
  for (const auto& [key, unused] : object.items()) names.push_back(QuoteForMessage(key, 40));
  if (names.size() > 12) {
    names.resize(12);
    names.push_back("...");
  }
  return names.empty() ? "no fields" : absl::StrJoin(names, ", ");
}

absl::Status CheckObject(const nlohmann::json& value, const std::vector<std::string>& known,
                         const std::string& where) {
  if (!value.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(where, ": expected an object, found ", JsonKind(value)));
  }
  for (const auto& [key, unused] : value.items()) {
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      return absl::InvalidArgumentError(
          absl::StrCat(where, ": \"", QuoteForMessage(key),
                       "\" is not supported; supported are: ", absl::StrJoin(known, ", ")));
    }
  }
  return absl::OkStatus();
}

}  // namespace grpo
