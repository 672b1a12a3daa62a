// PromptFromRecord: the fields of one record of a prompt file.
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/json_fields.h"
#include "data/prompt_file.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::json;

// Reads one record's fields.
class RecordReader {
 public:
  RecordReader(const JsonRecord& record, const PromptFileOptions& options)
      : record_(record), options_(options) {}

  absl::StatusOr<Prompt> Read() const {
    Prompt prompt;
    ASSIGN_OR_RETURN(prompt.text, PromptText());
    ASSIGN_OR_RETURN(prompt.answer, Answer());
    ASSIGN_OR_RETURN(prompt.family, OptionalString(options_.family_field));
    prompt.pool = prompt.family;
    ASSIGN_OR_RETURN(prompt.demonstration, OptionalString(options_.demonstration_field));
    if (options_.require_demonstration && prompt.demonstration.empty()) {
      return Missing(options_.demonstration_field,
                     "demonstration_field; the cold start imitates it");
    }
    json rest = record_.value;
    for (const std::string* field : {&options_.prompt_field, &options_.answer_field,
                                     &options_.family_field, &options_.demonstration_field}) {
      rest.erase(*field);
    }
    prompt.metadata_json = rest.dump();
    const std::string& path = options_.path;
    prompt.name = absl::StrCat(path.substr(path.rfind('/') + 1), ":", record_.line);
    return prompt;
  }

 private:
  absl::Status Wrong(absl::string_view what) const {
    return absl::InvalidArgumentError(absl::StrCat(options_.path, ":", record_.line, ": ", what));
  }

  absl::Status Missing(const std::string& field, absl::string_view option) const {
    return Wrong(absl::StrCat("the record has no \"", field,
                              "\" (it has: ", FieldNames(record_.value),
                              "); add it, or name the right field with ", option));
  }

  absl::StatusOr<std::string> PromptText() const {
    const std::string& field = options_.prompt_field;
    const auto value = record_.value.find(field);
    if (value == record_.value.end()) return Missing(field, "prompt_field");
    std::string text;
    if (value->is_string()) {
      text = value->get<std::string>();
    } else if (value->is_array()) {
      ASSIGN_OR_RETURN(text, UserMessage(*value));
    } else {
      return Wrong(absl::StrCat("\"", field, "\": expected a string or a list with one message of ",
                                "the user, found ", JsonKind(*value)));
    }
    if (text.find_first_not_of(" \t\r\n") == std::string::npos) {
      return Wrong(absl::StrCat("\"", field, "\" is empty; fill it in or remove the record"));
    }
    return text;
  }

  absl::StatusOr<std::string> UserMessage(const json& messages) const {
    const std::string expected = absl::StrCat(
        "\"", options_.prompt_field,
        "\": expected a list with one message {\"role\": \"user\", \"content\": \"...\"}, found ");
    if (messages.size() != 1) {
      return Wrong(absl::StrCat(expected, messages.size(),
                                " messages; a system message belongs in ",
                                "the prompt template, earlier turns are not supported"));
    }
    const json& message = messages[0];
    if (!message.is_object()) return Wrong(absl::StrCat(expected, JsonKind(message)));
    if (message.value("role", json()) != json("user")) {
      return Wrong(absl::StrCat(expected, "the role ",
                                QuoteForMessage(message.value("role", json()).dump(), 40)));
    }
    const json content = message.value("content", json());
    if (!content.is_string()) {
      return Wrong(absl::StrCat(expected, JsonKind(content), " as its content"));
    }
    return content.get<std::string>();
  }

  absl::StatusOr<std::string> Answer() const {
    const std::string& field = options_.answer_field;
    const auto value = record_.value.find(field);
    if (value == record_.value.end()) return Missing(field, "answer_field");
    if (value->is_string()) return value->get<std::string>();
    if (value->is_number()) return record_.numbers.at(field);
    return Wrong(
        absl::StrCat("\"", field, "\": expected a string or a number, found ", JsonKind(*value)));
  }

  // "" where there is none or null.
  absl::StatusOr<std::string> OptionalString(const std::string& field) const {
    const auto value = record_.value.find(field);
    if (value == record_.value.end() || value->is_null()) return std::string();
    if (value->is_string()) return value->get<std::string>();
    return Wrong(absl::StrCat("\"", field, "\": expected a string, found ", JsonKind(*value)));
  }

  const JsonRecord& record_;
  const PromptFileOptions& options_;
};

}  // namespace

absl::StatusOr<Prompt> PromptFromRecord(const JsonRecord& record,
                                        const PromptFileOptions& options) {
  return RecordReader(record, options).Read();
}

}  // namespace grpo
