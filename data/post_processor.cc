#include "data/post_processor.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::json;

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

// The ids of one special token, from the processor's own list of them.
absl::StatusOr<std::vector<int32_t>> SpecialTokenIds(const json& special_tokens,
                                                     const std::string& name,
                                                     const std::string& where) {
  const std::string here = absl::StrCat(where, ".special_tokens[\"", QuoteForMessage(name), "\"]");
  if (!special_tokens.is_object() || !special_tokens.contains(name)) {
    return Wrong(here, "the template names this token, but it is missing");
  }
  const json& token = special_tokens[name];
  RETURN_IF_ERROR(CheckObject(token, {"id", "ids", "tokens"}, here));
  ASSIGN_OR_RETURN(const json* list, ListField(token, "ids", here));
  std::vector<int32_t> ids;
  for (const json& value : *list) {
    if (!value.is_number_unsigned() || value.get<uint64_t>() > INT32_MAX) {
      return Wrong(here, absl::StrCat("expected token ids, found ", JsonKind(value)));
    }
    ids.push_back(value.get<int32_t>());
  }
  return ids;
}

absl::StatusOr<TextEnds> ParseTemplate(const json& description, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(description, {"type", "single", "pair", "special_tokens"}, where));
  ASSIGN_OR_RETURN(const json* pieces, ListField(description, "single", where));
  TextEnds ends;
  bool text_seen = false;
  for (size_t i = 0; i < pieces->size(); ++i) {
    const json& piece = (*pieces)[i];
    const std::string here = absl::StrCat(where, ".single[", i, "]");
    RETURN_IF_ERROR(CheckObject(piece, {"Sequence", "SpecialToken"}, here));
    const bool is_text = piece.contains("Sequence");
    const std::string kind = is_text ? "Sequence" : "SpecialToken";
    const json& fields = FieldOrNull(piece, kind);
    RETURN_IF_ERROR(CheckObject(fields, {"id", "type_id"}, here + "." + kind));
    ASSIGN_OR_RETURN(const std::string id, StringField(fields, "id", here + "." + kind));
    if (is_text) {
      if (id != "A" || text_seen) {
        return Wrong(here, "expected the sequence A, and that once");
      }
      text_seen = true;
      continue;
    }
    ASSIGN_OR_RETURN(const std::vector<int32_t> ids,
                     SpecialTokenIds(FieldOrNull(description, "special_tokens"), id, where));
    std::vector<int32_t>& end = text_seen ? ends.after : ends.before;
    end.insert(end.end(), ids.begin(), ids.end());
  }
  if (!text_seen) return Wrong(where, "\"single\" has no sequence A");
  return ends;
}

// Adds to `ends`; `has_template` tells whether one has been found.
absl::Status Parse(const json& description, const std::string& where, bool* has_template,
                   TextEnds* ends) {
  ASSIGN_OR_RETURN(const std::string type, TypeField(description, where));
  const std::string here = absl::StrCat(where, ": ", QuoteForMessage(type));
  if (type == "Sequence") {
    RETURN_IF_ERROR(CheckObject(description, {"type", "processors"}, here));
    ASSIGN_OR_RETURN(const json* list, ListField(description, "processors", here));
    for (const json& entry : *list) RETURN_IF_ERROR(Parse(entry, here, has_template, ends));
    return absl::OkStatus();
  }
  if (type == "ByteLevel") {
    return CheckObject(description, {"type", "add_prefix_space", "trim_offsets", "use_regex"},
                       here);
  }
  if (type != "TemplateProcessing") {
    return Wrong(here, "is not supported; supported are: TemplateProcessing, ByteLevel, Sequence");
  }
  if (*has_template) return Wrong(here, "stands a second time");
  *has_template = true;
  ASSIGN_OR_RETURN(*ends, ParseTemplate(description, here));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TextEnds> ParsePostProcessor(const json& description, const std::string& origin) {
  TextEnds ends;
  if (description.is_null()) return ends;
  bool has_template = false;
  RETURN_IF_ERROR(Parse(description, origin + ": post_processor", &has_template, &ends));
  return ends;
}

}  // namespace grpo
