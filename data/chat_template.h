// Chat templates: the Jinja texts that published models bring, which turn a conversation into the
// text that the model was trained on. data/jinja/ interprets them as Jinja2 does in the sandbox of
// transformers.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json_fwd.hpp"

namespace grpo {

// What one rendering may take; templates come from strangers.
struct ChatTemplateLimits {
  int64_t work = int64_t{256} << 20;  // units as in data/jinja/runtime.h
  int64_t output_bytes = int64_t{64} << 20;
};

// Parsed once; immutable and safe to share among threads.
//
//   ASSIGN_OR_RETURN(const auto chat_template, ChatTemplate::Parse(source, "chat_template.jinja"));
//   ASSIGN_OR_RETURN(const std::string prompt,
//                    chat_template->Render({{"messages", messages}, {"add_generation_prompt",
//                    true}}));
class ChatTemplate {
 public:
  // `origin` names the template in messages. A construct that is not supported is refused by name.
  static absl::StatusOr<std::shared_ptr<const ChatTemplate>> Parse(absl::string_view source,
                                                                   const std::string& origin);
  virtual ~ChatTemplate() = default;

  // `context` is an object of the template's variables: messages, tools, add_generation_prompt,
  // bos_token, … An error names the template's line; the template may raise one itself.
  // kResourceExhausted where it takes more than the limits.
  virtual absl::StatusOr<std::string> Render(const nlohmann::ordered_json& context,
                                             const ChatTemplateLimits& limits = {}) const = 0;
};

// The templates of a model, with the special tokens that they write.
class ModelChatTemplate {
 public:
  // Of the texts of chat_template.jinja and tokenizer_config.json, empty where there is none. The
  // first has precedence; the second may hold a template or a list of {"name", "template"}, and
  // has the special tokens. `origin` names their folder in messages. kNotFound without a template.
  static absl::StatusOr<ModelChatTemplate> FromFiles(const std::string& tokenizer_config,
                                                     const std::string& template_text,
                                                     const std::string& origin);

  // As ChatTemplate::Render. A variable that `context` lacks is a special token if there is one of
  // that name (bos_token, eos_token, …). A conversation with tools takes the template "tool_use"
  // where the model has one.
  absl::StatusOr<std::string> Render(nlohmann::ordered_json context) const;

  const std::map<std::string, std::string>& special_tokens() const { return special_tokens_; }

 private:
  std::shared_ptr<const ChatTemplate> default_;
  std::shared_ptr<const ChatTemplate> with_tools_;
  std::map<std::string, std::string> special_tokens_;  // "bos_token" to its text
};

// The same from the files of a folder.
absl::StatusOr<ModelChatTemplate> LoadChatTemplate(const std::string& folder);

}  // namespace grpo
