#include "data/metaspace.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {

absl::StatusOr<MetaspaceFields> ReadMetaspace(const nlohmann::json& description,
                                              const std::string& where) {
  RETURN_IF_ERROR(CheckObject(
      description,
      {"type", "replacement", "add_prefix_space", "prepend_scheme", "split", "str_rep"}, where));
  const auto wrong = [&](absl::string_view what) {
    return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
  };
  MetaspaceFields fields;
  ASSIGN_OR_RETURN(fields.replacement, StringField(description, "replacement", where));
  if (fields.replacement.empty() ||
      Utf8CharacterSize(fields.replacement) != fields.replacement.size()) {
    return wrong(absl::StrCat("\"replacement\": expected one character, found \"",
                              QuoteForMessage(fields.replacement), "\""));
  }
  // Files of before prepend_scheme have add_prefix_space alone.
  ASSIGN_OR_RETURN(const bool add_prefix_space,
                   BoolField(description, "add_prefix_space", true, where));
  fields.prepend_scheme = add_prefix_space ? "always" : "never";
  if (description.contains("prepend_scheme")) {
    ASSIGN_OR_RETURN(fields.prepend_scheme, StringField(description, "prepend_scheme", where));
    if (fields.prepend_scheme != "always" && fields.prepend_scheme != "first" &&
        fields.prepend_scheme != "never") {
      return wrong(absl::StrCat("\"prepend_scheme\": expected always, first or never, found \"",
                                QuoteForMessage(fields.prepend_scheme), "\""));
    }
    if (!add_prefix_space && fields.prepend_scheme != "never") {
      return wrong("\"add_prefix_space\" is false, which contradicts \"prepend_scheme\"");
    }
  }
  if (description.contains("split") && !description["split"].is_null()) {
    ASSIGN_OR_RETURN(fields.split, BoolField(description, "split", true, where));
  }
  return fields;
}

}  // namespace grpo
