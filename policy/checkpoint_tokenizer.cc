#include "policy/checkpoint_tokenizer.h"

#include "absl/strings/str_cat.h"

#include "data/file.h"

namespace grpo {

absl::StatusOr<std::shared_ptr<const Tokenizer>> LoadTokenizer(const CheckpointReader& checkpoint) {
  const std::string origin = checkpoint.path() + "/tokenizer.json";
  if (checkpoint.tokenizer_json().empty()) {
    return absl::NotFoundError(absl::StrCat(origin, ": the policy has no tokenizer"));
  }
  return Tokenizer::FromJson(checkpoint.tokenizer_json(), origin);
}

absl::StatusOr<ChatFormat> LoadChatFormat(const CheckpointReader& checkpoint,
                                          const Tokenizer& tokenizer,
                                          const std::string& chat_template) {
  // A folder's files stay apart, as they came.
  if (DirectoryExists(checkpoint.path())) {
    return ChatFormat::Load(checkpoint.path(), tokenizer, chat_template);
  }
  return ChatFormat::FromFiles({{"tokenizer_config.json", checkpoint.tokenizer_config_json()},
                                {"generation_config.json", checkpoint.generation_config_json()},
                                {"chat_template.jinja", chat_template}},
                               checkpoint.config_json(), checkpoint.path(), tokenizer);
}

}  // namespace grpo
