#include "data/chat_format.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/status_macros.h"

namespace grpo {
namespace {

absl::StatusOr<int32_t> Find(const Tokenizer& tokenizer, const char* mark) {
  const absl::optional<int32_t> id = tokenizer.TokenId(mark);
  if (!id.has_value()) {
    return absl::InvalidArgumentError(
        absl::StrCat("the tokenizer has no token '", mark,
                     "', which marks the parts of a conversation; add it to its "
                     "added_tokens or use a tokenizer trained by this program"));
  }
  return *id;
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

absl::StatusOr<ChatFormat> ChatFormat::Create(const Tokenizer& tokenizer) {
  ChatFormat format;
  ASSIGN_OR_RETURN(format.bos_, Find(tokenizer, "<bos>"));
  ASSIGN_OR_RETURN(format.eos_, Find(tokenizer, "<eos>"));
  ASSIGN_OR_RETURN(format.user_, Find(tokenizer, "<user>"));
  ASSIGN_OR_RETURN(format.assistant_, Find(tokenizer, "<assistant>"));
  return format;
}

std::vector<int32_t> ChatFormat::PromptTokens(const Tokenizer& tokenizer,
                                              absl::string_view message) const {
  std::vector<int32_t> tokens = {bos_, user_};
  const std::vector<int32_t> body = tokenizer.Encode(message);
  tokens.insert(tokens.end(), body.begin(), body.end());
  tokens.push_back(assistant_);
  return tokens;
}

std::vector<int32_t> ChatFormat::CompletionTokens(const Tokenizer& tokenizer,
                                                  absl::string_view completion) const {
  std::vector<int32_t> tokens = tokenizer.Encode(completion);
  tokens.push_back(eos_);
  return tokens;
}

}  // namespace grpo
