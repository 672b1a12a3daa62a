#include "reward/metadata.h"

#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"

namespace grpo {

absl::StatusOr<nlohmann::json> ParseMetadata(const Prompt& prompt) {
  if (prompt.metadata_json.empty()) return nlohmann::json::object();
  ASSIGN_OR_RETURN(nlohmann::json metadata,
                   ParseJson(prompt.metadata_json, {absl::StrCat("metadata of ", prompt.name), 1}));
  if (metadata.is_object()) return metadata;
  return absl::InvalidArgumentError(absl::StrCat("metadata of ", prompt.name, " is ",
                                                 JsonKind(metadata), ", expected an object"));
}

absl::StatusOr<std::vector<std::string>> StringsField(const nlohmann::json& metadata,
                                                      const std::string& key) {
  std::vector<std::string> strings;
  const nlohmann::json& field = FieldOrNull(metadata, key);
  if (field.is_null()) return strings;
  if (field.is_string()) return std::vector<std::string>{field.get<std::string>()};
  const auto wrong = [&](const nlohmann::json& found) {
    return absl::InvalidArgumentError(
        absl::StrCat("\"", key, "\" holds ", JsonKind(found), ", expected a list of strings"));
  };
  if (!field.is_array()) return wrong(field);
  for (const nlohmann::json& item : field) {
    if (!item.is_string()) return wrong(item);
    strings.push_back(item.get<std::string>());
  }
  return strings;
}

}  // namespace grpo
