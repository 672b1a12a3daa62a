// Reads the fields of a JSON object with messages that say where it stands and what was found.
#pragma once

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace grpo {

// Each returns an error where the field is there with another type. `where` names the object:
// "tokenizer.json: model".
absl::StatusOr<bool> BoolField(const nlohmann::json& object, const std::string& key, bool otherwise,
                               const std::string& where);
// Required.
absl::StatusOr<std::string> StringField(const nlohmann::json& object, const std::string& key,
                                        const std::string& where);

// Required; points into `object`.
absl::StatusOr<const nlohmann::json*> ListField(const nlohmann::json& object,
                                                const std::string& key, const std::string& where);

// The "type" of one of a file's components, which must be an object.
absl::StatusOr<std::string> TypeField(const nlohmann::json& component, const std::string& where);

// The value of the key, or null; no copy.
const nlohmann::json& FieldOrNull(const nlohmann::json& object, const std::string& key);

// The names of its fields for a message, at most twelve of them: "id, question".
std::string FieldNames(const nlohmann::json& object);

// An error where `value` is not an object, or has a key that is not in `known`.
absl::Status CheckObject(const nlohmann::json& value, const std::vector<std::string>& known,
                         const std::string& where);

}  // namespace grpo
