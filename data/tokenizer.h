// Byte-level byte-pair encoding in Hugging Face's tokenizer.json form.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class Tokenizer {
 public:
  // Reads a tokenizer.json. An unsupported component is refused by name.
  static absl::StatusOr<std::shared_ptr<const Tokenizer>> Load(const std::string& path);
  // The same from its text; `origin` names it in messages.
  static absl::StatusOr<std::shared_ptr<const Tokenizer>> FromJson(absl::string_view json,
                                                                   const std::string& origin);
  // Learns `vocabulary_size` tokens (256 bytes, the special tokens and merges) from texts. Digits
  // stay apart, each its own token. Special tokens get the ids 0, 1, 2, … in the given order.
  // Deterministic. Special tokens are of two kinds, as in tokenizer.json's added_tokens:
  // `special_tokens` are dropped by Decode(skip_special=true), `visible_tokens` (<think>) are kept;
  // neither is ever split.
  static absl::StatusOr<std::shared_ptr<const Tokenizer>> Train(
      const std::vector<std::string>& texts, int vocabulary_size,
      const std::vector<std::string>& special_tokens,
      const std::vector<std::string>& visible_tokens);

  virtual ~Tokenizer() = default;

  // Added tokens written in the text are recognised. No token is added at the ends.
  virtual std::vector<int32_t> Encode(absl::string_view text) const = 0;
  // Bytes of the tokens, one after the other. Ids out of range decode to nothing.
  virtual std::string Decode(const std::vector<int32_t>& tokens, bool skip_special) const = 0;
  // The bytes of one token (of an added token: its text).
  virtual absl::string_view TokenBytes(int32_t token) const = 0;
  virtual absl::optional<int32_t> TokenId(absl::string_view token_text) const = 0;
  virtual int vocabulary_size() const = 0;
  // The tokenizer.json text; Load() of it gives an equal tokenizer.
  virtual std::string ToJson() const = 0;
};

}  // namespace grpo
