// How a conversation becomes tokens: a user's message between the marks that the policy was trained
// with.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/tokenizer.h"

namespace grpo {

// The marks of tokenizers that this program trains: "<bos><user>" message "<assistant>" completion
// "<eos>".
class ChatFormat {
 public:
  // Finds the marks in the tokenizer; the error names the one that is missing.
  static absl::StatusOr<ChatFormat> Create(const Tokenizer& tokenizer);

  static const std::vector<std::string>& SpecialTokens();  // <bos>, <eos>, <user>, <assistant>
  static const std::vector<std::string>& VisibleTokens();  // <think>, </think>, <answer>, </answer>

  // From the first mark to the one after which the policy speaks.
  std::vector<int32_t> PromptTokens(const Tokenizer& tokenizer, absl::string_view message) const;
  // A demonstration with the end token.
  std::vector<int32_t> CompletionTokens(const Tokenizer& tokenizer,
                                        absl::string_view completion) const;

  int32_t bos() const { return bos_; }
  int32_t eos() const { return eos_; }

 private:
  int32_t bos_ = 0;
  int32_t eos_ = 0;
  int32_t user_ = 0;
  int32_t assistant_ = 0;
};

}  // namespace grpo
