// Cuts a template into tokens, with the white space around tags taken away as trim_blocks and
// lstrip_blocks ask (both are on for chat templates).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo::jinja {

enum class TokenKind {
  kText,         // between tags
  kOutputBegin,  // {{
  kOutputEnd,    // }}
  kBlockBegin,   // {%
  kBlockEnd,     // %}
  kName,         // keywords too
  kString,       // its value
  kInteger,
  kFloat,
  kOperator,  // also brackets and punctuation
  kEnd,       // of the template
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  int line = 1;
  std::string text;  // of a string its value
  int64_t integer = 0;
  double number = 0;

  bool IsName(absl::string_view name) const { return kind == TokenKind::kName && text == name; }
  bool IsOperator(absl::string_view symbol) const {
    return kind == TokenKind::kOperator && text == symbol;
  }
};

// The tokens, the last one of kind kEnd. `origin` names the template in messages.
absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view source, const std::string& origin);

// "the end of the template", "'endif'", …: a token in messages.
std::string Describe(const Token& token);

}  // namespace grpo::jinja
