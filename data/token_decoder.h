// From tokens to text: the decoder of a tokenizer.json. ByteLevel, Metaspace, Replace,
// ByteFallback, Fuse, Strip and Sequence of them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"

#include "data/regex.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class TokenDecoder {
 public:
  // One text in the making. The decoder must outlive it.
  class Run {
   public:
    explicit Run(const TokenDecoder& decoder) : decoder_(decoder), states_(decoder.steps_.size()) {}

    // Takes a token as the file writes it and appends what is now certain of the text.
    void Push(absl::string_view token, std::string* text) { Send(0, token, text); }
    // Appends the rest, after the last token.
    void Finish(std::string* text);

   private:
    struct State {
      std::string held;         // what a later token may change
      size_t received = 0;      // tokens
      size_t stripped = 0;      // characters taken from the start
      bool past_start = false;  // a character that stays has come
    };

    void Send(size_t step, absl::string_view token, std::string* text);
    void SendBytes(size_t step, bool all, std::string* text);
    void SendFallback(size_t step, std::string* text);
    void SendStripped(size_t step, absl::string_view token, std::string* text);

    const TokenDecoder& decoder_;
    std::vector<State> states_;  // of each step
  };

  // Reads the value of "decoder" (null: tokens with a space between them); `origin` names the file
  // in messages. What is not supported is refused by name.
  static absl::StatusOr<TokenDecoder> FromJson(const nlohmann::json& description,
                                               const std::string& origin);

  // What a token stands for inside a text, which may be a part of a character.
  std::string BytesOf(absl::string_view token) const;

 private:
  enum class Kind { kByteLevel, kMetaspace, kReplace, kByteFallback, kStrip, kSpaces };
  struct Step {
    Kind kind;
    bool fused = false;                  // what it receives are parts of one string, not tokens
    absl::optional<Regex> pattern = {};  // of Replace
    std::string content = "";            // Replace: what is written; Strip, Metaspace: a character
    size_t start = 0, stop = 0;          // characters that Strip takes at most
    bool drops_first = false;            // Metaspace drops its character in the first token
  };

  TokenDecoder() = default;
  absl::Status AddSteps(const nlohmann::json& description, const std::string& where);
  absl::Status AddStep(const std::string& type, const nlohmann::json& description,
                       const std::string& where);
  absl::Status AddStrip(const nlohmann::json& description, const std::string& where);
  absl::Status LimitGrowth(const std::string& where) const;
  static std::string Stripped(const Step& step, absl::string_view token);

  std::vector<Step> steps_;
  bool fused_ = false;  // by the steps so far
};

}  // namespace grpo
