#include "rl/eval/record_template.h"

#include <algorithm>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::json;

bool IsOfKind(const json& value, const std::string& kind) {
  return kind == "any" || (kind == "text" && value.is_string()) ||
         (kind == "number" && value.is_number()) || (kind == "list" && value.is_array()) ||
         (kind == "object" && value.is_object());
}

absl::Status Wrong(const DataRecord& record, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(record.where, ": ", what));
}

}  // namespace

absl::StatusOr<RecordTemplates::Field> RecordTemplates::ParseField(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits(':', 1));
  Field field;
  field.name = std::string(absl::StripAsciiWhitespace(parts[0]));
  if (parts.size() == 2) field.kinds = absl::StrSplit(parts[1], " or ");
  bool known = !field.name.empty() && !field.kinds.empty();
  for (std::string& kind : field.kinds) {
    absl::StripAsciiWhitespace(&kind);
    known = known && (kind == "text" || kind == "number" || kind == "list" || kind == "object" ||
                      kind == "any");
  }
  if (!known) {
    return absl::InvalidArgumentError(absl::StrCat(
        "fields: expected a name and its kinds, such as \"answer: text or number\" (text, number, ",
        "list, object, any), found ", QuoteForMessage(text)));
  }
  return field;
}

absl::StatusOr<RecordTemplates> RecordTemplates::Parse(const SuiteRecord& config) {
  RecordTemplates made;
  for (const std::string& text : config.fields) {
    ASSIGN_OR_RETURN(Field field, ParseField(text));
    made.fields_.push_back(std::move(field));
  }
  const auto parse = [](const char* key, const std::string& text, Template& to) -> absl::Status {
    if (text.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(to, ChatTemplate::Parse(text, key));
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(parse("id", config.id, made.id_));
  RETURN_IF_ERROR(parse("prompt", config.prompt, made.prompt_));
  RETURN_IF_ERROR(parse("answer", config.answer, made.answer_));
  RETURN_IF_ERROR(parse("family", config.family, made.family_));
  RETURN_IF_ERROR(parse("level", config.level, made.level_));
  RETURN_IF_ERROR(parse("metadata", config.metadata, made.metadata_));
  RETURN_IF_ERROR(parse("solution", config.solution, made.solution_));
  return made;
}

absl::Status RecordTemplates::CheckFields(const DataRecord& record) const {
  for (const Field& field : fields_) {
    const std::string expected = absl::StrJoin(field.kinds, " or ");
    const auto value = record.value.find(field.name);
    if (value == record.value.end()) {
      return Wrong(record, absl::StrCat("the record has no \"", field.name, "\" (", expected,
                                        "); it has: ", FieldNames(record.value)));
    }
    const bool fits = std::any_of(field.kinds.begin(), field.kinds.end(),
                                  [&](const std::string& kind) { return IsOfKind(*value, kind); });
    if (!fits) {
      return Wrong(record, absl::StrCat("\"", field.name, "\": expected ", expected, ", found ",
                                        JsonKind(*value)));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<Prompt> RecordTemplates::ProblemOf(const DataRecord& record,
                                                  const Context& context) const {
  RETURN_IF_ERROR(CheckFields(record));
  nlohmann::ordered_json visible = record.value;
  for (const auto& [field, text] : record.numbers) {
    if (!visible[field].is_number()) visible[field] = text;
  }
  visible["record_number"] = context.record_number;
  visible["joined"] = context.joined;
  visible["shots"] = context.shots;
  const auto render = [&](const Template& from) -> absl::StatusOr<std::string> {
    if (from == nullptr) return std::string();
    absl::StatusOr<std::string> text = from->Render(visible);
    if (!text.ok()) {
      return Wrong(record, absl::StrCat("the suite's template ", text.status().message()));
    }
    return text;
  };
  Prompt problem;
  ASSIGN_OR_RETURN(problem.name, render(id_));
  ASSIGN_OR_RETURN(problem.text, render(prompt_));
  ASSIGN_OR_RETURN(problem.answer, render(answer_));
  ASSIGN_OR_RETURN(problem.family, render(family_));
  ASSIGN_OR_RETURN(problem.pool, render(level_));
  ASSIGN_OR_RETURN(problem.demonstration, render(solution_));
  if (absl::StripAsciiWhitespace(problem.text).empty()) {
    return Wrong(record, "the prompt is empty");
  }
  if (answer_ != nullptr && absl::StripAsciiWhitespace(problem.answer).empty()) {
    return Wrong(record, "the answer is empty");
  }
  if (metadata_ == nullptr) {
    problem.metadata_json = record.value.dump();
    return problem;
  }
  ASSIGN_OR_RETURN(const std::string metadata, render(metadata_));
  const absl::StatusOr<json> parsed = ParseJson(metadata, {"metadata"});
  if (!parsed.ok() || !parsed->is_object()) {
    return Wrong(record, absl::StrCat("the suite's metadata is no JSON object: ",
                                      QuoteForMessage(metadata, 200)));
  }
  problem.metadata_json = parsed->dump();
  return problem;
}

}  // namespace grpo
