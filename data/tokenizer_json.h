// The content of a tokenizer.json, checked: what a byte-level byte-pair tokenizer is made of.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/pre_tokenizer.h"

namespace grpo {

struct TokenizerParts {
  struct Token {
    std::string bytes;         // of an added token: its text; empty where no token has the id
    bool special = false;      // an added token that Decode(skip_special=true) drops
    bool in_alphabet = false;  // a token of the model that the bytes of a word can be
  };
  std::vector<Token> tokens;            // by id
  std::array<int32_t, 256> byte_ids{};  // the token of each single byte
  std::vector<BpeMerge> merges;         // by rank
  bool ignore_merges = false;  // a word that is a token becomes that token, whatever the merges say
  std::vector<AddedToken> added;
  PreTokenizer pre_tokenizer;
};

// What is not supported is refused by name; `origin` names the file in messages.
absl::StatusOr<TokenizerParts> ParseTokenizerJson(absl::string_view text,
                                                  const std::string& origin);

}  // namespace grpo
