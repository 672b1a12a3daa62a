// Byte-pair encoding in Hugging Face's tokenizer.json form, over bytes (GPT-2, DeepSeek, Qwen,
// Llama 3) or over characters with bytes to fall back on (SentencePiece; Llama 2, Mistral,
// MiniCPM).
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

// Text from tokens that come one by one: what Push() and Finish() give, one after the other, is
// what Decode() gives for all of them. Only whole characters come out.
class StreamDecoder {
 public:
  virtual ~StreamDecoder() = default;
  // What is certain now; may be empty. Ids without a token are passed over.
  virtual std::string Push(int32_t token) = 0;
  // The rest, after the last token. Bytes that have become no character are U+FFFD.
  virtual std::string Finish() = 0;
};

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

  // Added tokens written in the text are recognised. No token is added at the ends. What is not
  // valid UTF-8 counts as U+FFFD, one for each start of a character that is not completed.
  virtual std::vector<int32_t> Encode(absl::string_view text) const = 0;
  // The same between the tokens that the file's post-processor puts at the ends (<s>).
  virtual std::vector<int32_t> EncodeWithEnds(absl::string_view text) const = 0;
  // The text of the tokens, valid UTF-8. Ids without a token decode to nothing.
  virtual std::string Decode(const std::vector<int32_t>& tokens, bool skip_special) const = 0;
  // The tokenizer must outlive it.
  virtual std::unique_ptr<StreamDecoder> DecodeStream(bool skip_special) const = 0;
  // The bytes that a token stands for inside a text; they may be a part of a character.
  virtual absl::string_view TokenBytes(int32_t token) const = 0;
  // The added token of this text; the token of these bytes, or over characters the token that the
  // file writes so.
  virtual absl::optional<int32_t> TokenId(absl::string_view token_text) const = 0;
  virtual int vocabulary_size() const = 0;
  // The tokenizer.json text: of a tokenizer that was read, the bytes of the file. Load() of it
  // gives an equal tokenizer.
  virtual std::string ToJson() const = 0;
};

}  // namespace grpo
