// How a prompt becomes the tokens that the policy was trained on, and which tokens end its answer.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/chat_template.h"
#include "data/tokenizer.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class ChatFormat {
 public:
  ChatFormat() = default;  // of no use until assigned to
  // Of tokenizers that this program trains: "<bos><user>" message "<assistant>" completion "<eos>".
  // The error names the mark that is missing.
  static absl::StatusOr<ChatFormat> OfTrainedTokenizer(const Tokenizer& tokenizer);
  // Of a policy's folder: its chat template, and the end tokens of generation_config.json or else
  // config.json, or else the tokenizer's own. A folder without a template must have a tokenizer
  // that this program trained. `chat_template`, where it is not empty, stands in the place of the
  // folder's: "{{ bos_token }}{{ messages[0].content }}" has the policy go on with a text as it is.
  static absl::StatusOr<ChatFormat> Load(const std::string& folder, const Tokenizer& tokenizer,
                                         const std::string& chat_template = "");
  // The same from the files' texts by name; `origin` stands for the folder in messages.
  static absl::StatusOr<ChatFormat> FromFiles(std::map<std::string, std::string> files,
                                              const std::string& config_json,
                                              const std::string& origin,
                                              const Tokenizer& tokenizer);

  // The same with another chat template, of which `origin` tells messages.
  absl::StatusOr<ChatFormat> WithTemplate(const std::string& chat_template,
                                          const std::string& origin) const;

  static const std::vector<std::string>& SpecialTokens();  // <bos>, <eos>, <user>, <assistant>
  static const std::vector<std::string>& VisibleTokens();  // <think>, </think>, <answer>, </answer>

  // A user's message, up to where the policy speaks. The template may refuse it.
  absl::StatusOr<std::vector<int32_t>> PromptTokens(const Tokenizer& tokenizer,
                                                    absl::string_view message) const;
  // A demonstration with the token that ends it.
  std::vector<int32_t> CompletionTokens(const Tokenizer& tokenizer,
                                        absl::string_view completion) const;

  // A completion ends with any of them; the first ends demonstrations. Never empty.
  const std::vector<int32_t>& end_tokens() const { return end_tokens_; }
  int32_t bos() const { return bos_; }  // -1 where there is none

  // The files that tell others the same, by name: tokenizer_config.json, generation_config.json, …
  const std::map<std::string, std::string>& files() const { return files_; }

 private:
  std::map<std::string, std::string> files_;
  ModelChatTemplate template_;
  std::vector<int32_t> end_tokens_;
  int32_t bos_ = -1;
};

}  // namespace grpo
