#include "data/chat_format.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/file.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using nlohmann::json;
using nlohmann::ordered_json;

constexpr char kTokenizerConfig[] = "tokenizer_config.json";
constexpr char kGenerationConfig[] = "generation_config.json";
constexpr char kTemplateFile[] = "chat_template.jinja";

constexpr char kTrainedTemplate[] =
    "{{ bos_token }}{% for message in messages %}{% if message['role'] == 'assistant' %}"
    "<assistant>{{ message['content'] }}{{ eos_token }}{% else %}<user>{{ message['content'] }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}";

absl::StatusOr<int32_t> Find(const Tokenizer& tokenizer, const std::string& mark) {
  const absl::optional<int32_t> id = tokenizer.TokenId(mark);
  if (!id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tokenizer has no token '", mark,
                     "', which marks the parts of a conversation; add it to its added_tokens, give "
                     "the policy's folder a chat template, or use a tokenizer trained by this "
                     "program"));
  }
  return *id;
}

// The ids of "eos_token_id": a number, or a list of numbers; empty where there is none.
absl::StatusOr<std::vector<int32_t>> EndTokens(const std::string& text, const std::string& origin,
                                               int vocabulary) {
  std::vector<int32_t> ids;
  if (text.empty()) return ids;
  ASSIGN_OR_RETURN(const json config, ParseJson(text, {origin}));
  if (!config.is_object()) {
    return absl::InvalidArgumentError(
        absl::StrCat(origin, ": expected an object, found ", JsonKind(config)));
  }
  const json& field = FieldOrNull(config, "eos_token_id");
  for (const json& id : field.is_array() ? field : json::array({field})) {
    if (id.is_null()) continue;
    if (!id.is_number_integer() || id.get<double>() < 0 || id.get<double>() >= vocabulary) {
      return absl::InvalidArgumentError(
          absl::StrCat(origin, ": eos_token_id must be ids from 0 to ", vocabulary - 1, ", found ",
                       QuoteForMessage(id.dump(-1, ' ', true))));
    }
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

}  // namespace

const std::vector<std::string>& ChatFormat::SpecialTokens() {
  static const auto* tokens =
      new std::vector<std::string>{"<bos>", "<eos>", "<user>", "<assistant>"};
  return *tokens;
}

const std::vector<std::string>& ChatFormat::VisibleTokens() {
  static const auto* tokens =
      new std::vector<std::string>{"<think>", "</think>", "<answer>", "</answer>"};
  return *tokens;
}

absl::StatusOr<ChatFormat> ChatFormat::OfTrainedTokenizer(const Tokenizer& tokenizer) {
  for (const std::string& mark : SpecialTokens()) RETURN_IF_ERROR(Find(tokenizer, mark).status());
  const int32_t bos = *tokenizer.TokenId("<bos>"), eos = *tokenizer.TokenId("<eos>");
  const ordered_json tokenizer_config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                                         {"bos_token", "<bos>"},
                                         {"eos_token", "<eos>"},
                                         {"pad_token", "<eos>"},
                                         {"clean_up_tokenization_spaces", false},
                                         {"chat_template", kTrainedTemplate}};
  const ordered_json generation_config = {{"bos_token_id", bos}, {"eos_token_id", eos}};
  return FromFiles({{kTokenizerConfig, tokenizer_config.dump(2) + "\n"},
                    {kGenerationConfig, generation_config.dump(2) + "\n"}},
                   /*config_json=*/"", "trained tokenizer", tokenizer);
}

absl::StatusOr<ChatFormat> ChatFormat::Load(const std::string& folder, const Tokenizer& tokenizer,
                                            const std::string& chat_template) {
  std::map<std::string, std::string> files;
  for (const char* name : {kTokenizerConfig, kGenerationConfig, kTemplateFile}) {
    ASSIGN_OR_RETURN(std::string text, ReadFileIfThere(absl::StrCat(folder, "/", name)));
    if (!text.empty()) files[name] = std::move(text);
  }
  if (!chat_template.empty()) files[kTemplateFile] = chat_template;
  ASSIGN_OR_RETURN(const std::string config, ReadFileIfThere(folder + "/config.json"));
  return FromFiles(std::move(files), config, folder, tokenizer);
}

absl::StatusOr<ChatFormat> ChatFormat::FromFiles(std::map<std::string, std::string> files,
                                                 const std::string& config_json,
                                                 const std::string& origin,
                                                 const Tokenizer& tokenizer) {
  ChatFormat format;
  auto chat_template =
      ModelChatTemplate::FromFiles(files[kTokenizerConfig], files[kTemplateFile], origin);
  if (absl::IsNotFound(chat_template.status())) return OfTrainedTokenizer(tokenizer);
  RETURN_IF_ERROR(chat_template.status());
  format.template_ = *std::move(chat_template);
  const int vocabulary = tokenizer.vocabulary_size();
  ASSIGN_OR_RETURN(format.end_tokens_,
                   EndTokens(files[kGenerationConfig], absl::StrCat(origin, "/", kGenerationConfig),
                             vocabulary));
  if (format.end_tokens_.empty()) {
    ASSIGN_OR_RETURN(format.end_tokens_,
                     EndTokens(config_json, origin + "/config.json", vocabulary));
  }
  const auto& special = format.template_.special_tokens();
  if (const auto bos = special.find("bos_token"); bos != special.end()) {
    format.bos_ = tokenizer.TokenId(bos->second).value_or(-1);
  }
  // The token that the template ends an answer with goes first.
  if (const auto eos = special.find("eos_token"); eos != special.end()) {
    if (const auto id = tokenizer.TokenId(eos->second)) {
      auto& ids = format.end_tokens_;
      const auto found = std::find(ids.begin(), ids.end(), *id);
      if (found != ids.end()) {
        std::rotate(ids.begin(), found, found + 1);
      } else if (ids.empty()) {
        ids.push_back(*id);
      }
    }
  }
  if (format.end_tokens_.empty()) {
    return absl::InvalidArgumentError(absl::StrCat(
        origin,
        ": no token ends a completion: give generation_config.json an eos_token_id, or "
        "tokenizer_config.json an eos_token"));
  }
  for (auto file = files.begin(); file != files.end();) {
    file = file->second.empty() ? files.erase(file) : std::next(file);
  }
  format.files_ = std::move(files);
  return format;
}

absl::StatusOr<ChatFormat> ChatFormat::WithTemplate(const std::string& chat_template,
                                                    const std::string& origin) const {
  ChatFormat format = *this;
  format.files_[kTemplateFile] = chat_template;
  ASSIGN_OR_RETURN(format.template_, ModelChatTemplate::FromFiles(format.files_[kTokenizerConfig],
                                                                  chat_template, origin));
  return format;
}

absl::StatusOr<std::vector<int32_t>> ChatFormat::PromptTokens(const Tokenizer& tokenizer,
                                                              absl::string_view message) const {
  const ordered_json user = {{"role", "user"}, {"content", std::string(message)}};
  ASSIGN_OR_RETURN(const std::string text,
                   template_.Render({{"messages", ordered_json::array({user})},
                                     {"add_generation_prompt", true}}));
  return tokenizer.Encode(text);
}

std::vector<int32_t> ChatFormat::CompletionTokens(const Tokenizer& tokenizer,
                                                  absl::string_view completion) const {
  std::vector<int32_t> tokens = tokenizer.Encode(completion);
  tokens.push_back(end_tokens_.front());
  return tokens;
}

}  // namespace grpo
