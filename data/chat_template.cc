#include "data/chat_template.h"

#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "data/file.h"
#include "data/jinja/interpreter.h"
#include "data/jinja/parser.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

class ParsedChatTemplate : public ChatTemplate {
 public:
  ParsedChatTemplate(jinja::Body body, std::string origin)
      : body_(std::move(body)), origin_(std::move(origin)) {}

  absl::StatusOr<std::string> Render(const nlohmann::ordered_json& context,
                                     const ChatTemplateLimits& limits) const override {
    jinja::Limits runtime_limits;
    runtime_limits.work = limits.work;
    runtime_limits.output_bytes = limits.output_bytes;
    return jinja::RenderTemplate(body_, origin_, context, runtime_limits);
  }

 private:
  const jinja::Body body_;
  const std::string origin_;
};

constexpr const char* kSpecialTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                          "pad_token", "cls_token", "mask_token"};

// A token is a text, or an object with its text in "content"; null where there is none.
absl::StatusOr<std::map<std::string, std::string>> ReadSpecialTokens(const nlohmann::json& config,
                                                                     const std::string& origin) {
  std::map<std::string, std::string> tokens;
  for (const char* name : kSpecialTokens) {
    const nlohmann::json& field = FieldOrNull(config, name);
    const nlohmann::json& token = field.is_object() ? FieldOrNull(field, "content") : field;
    if (token.is_null()) continue;
    if (!token.is_string()) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": ", name, " must be a text or an object with \"content\", found ",
                       JsonKind(field)));
    }
    tokens[name] = token.get<std::string>();
  }
  return tokens;
}

// The templates by name; a single one is called "default".
absl::StatusOr<std::map<std::string, std::string>> ReadTemplates(const nlohmann::json& config,
                                                                 const std::string& origin) {
  std::map<std::string, std::string> sources;
  const nlohmann::json& field = FieldOrNull(config, "chat_template");
  if (field.is_null()) return sources;
  if (field.is_string()) {
    sources["default"] = field.get<std::string>();
    return sources;
  }
  if (!field.is_array()) {
    return absl::InvalidArgumentError(absl::StrCat(
        origin, ": chat_template must be a text or a list of templates, found ", JsonKind(field)));
  }
  for (const nlohmann::json& entry : field) {
    const std::string where = absl::StrCat(origin, ": chat_template");
    RETURN_IF_ERROR(CheckObject(entry, {"name", "template"}, where));
    ASSIGN_OR_RETURN(const std::string name, StringField(entry, "name", where));
    ASSIGN_OR_RETURN(sources[name], StringField(entry, "template", where));
  }
  return sources;
}

// An empty object for an empty text.
absl::StatusOr<nlohmann::json> ParseTokenizerConfig(const std::string& text,
                                                    const std::string& origin) {
  if (text.empty()) return nlohmann::json::object();
  ASSIGN_OR_RETURN(nlohmann::json config, ParseJson(text, {origin}));
  if (!config.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": expected an object, found ", JsonKind(config)));
  }
  return config;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const ChatTemplate>> ChatTemplate::Parse(absl::string_view source,
                                                                        const std::string& origin) {
  ASSIGN_OR_RETURN(jinja::Body body, jinja::ParseTemplate(source, origin));
  return std::make_shared<const ParsedChatTemplate>(std::move(body), origin);
}

absl::StatusOr<std::string> ModelChatTemplate::Render(nlohmann::ordered_json context) const {
  if (!context.is_object()) return absl::InvalidArgumentError("the context must be an object");
  for (const auto& [name, text] : special_tokens_) {
    if (!context.contains(name)) context[name] = text;
  }
  const bool has_tools = context.contains("tools") && !context["tools"].is_null();
  return (has_tools ? with_tools_ : default_)->Render(context);
}

absl::StatusOr<ModelChatTemplate> LoadChatTemplate(const std::string& folder) {
  ASSIGN_OR_RETURN(const std::string config, ReadFileIfThere(folder + "/tokenizer_config.json"));
  ASSIGN_OR_RETURN(const std::string source, ReadFileIfThere(folder + "/chat_template.jinja"));
  return ModelChatTemplate::FromFiles(config, source, folder);
}

absl::StatusOr<ModelChatTemplate> ModelChatTemplate::FromFiles(const std::string& tokenizer_config,
                                                               const std::string& template_text,
                                                               const std::string& folder) {
  const std::string config_path = absl::StrCat(folder, "/tokenizer_config.json");
  ASSIGN_OR_RETURN(const nlohmann::json config,
                   ParseTokenizerConfig(tokenizer_config, config_path));
  ModelChatTemplate model;
  ASSIGN_OR_RETURN(model.special_tokens_, ReadSpecialTokens(config, config_path));
  if (!template_text.empty()) {
    ASSIGN_OR_RETURN(model.default_,
                     ChatTemplate::Parse(template_text, folder + "/chat_template.jinja"));
    model.with_tools_ = model.default_;
    return model;
  }
  ASSIGN_OR_RETURN(const auto sources, ReadTemplates(config, config_path));
  if (sources.empty()) {
    return absl::NotFoundError(absl::StrCat(
        folder, ": no chat_template.jinja and no chat_template in tokenizer_config.json"));
  }
  const auto source = sources.find("default");
  if (source == sources.end()) {
    return absl::InvalidArgumentError(
        absl::StrCat(config_path, ": chat_template has no template named \"default\""));
  }
  const std::string origin = absl::StrCat(config_path, ": chat_template");
  ASSIGN_OR_RETURN(model.default_, ChatTemplate::Parse(source->second, origin));
  model.with_tools_ = model.default_;
  if (const auto tool_use = sources.find("tool_use"); tool_use != sources.end()) {
    ASSIGN_OR_RETURN(model.with_tools_,
                     ChatTemplate::Parse(tool_use->second, absl::StrCat(origin, " tool_use")));
  }
  return model;
}

}  // namespace grpo
