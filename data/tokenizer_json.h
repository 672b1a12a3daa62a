// The content of a tokenizer.json, checked: what a byte-pair tokenizer is made of.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/normalizer.h"
#include "data/post_processor.h"
#include "data/pre_tokenizer.h"
#include "data/token_decoder.h"

namespace grpo {

struct TokenizerParts {
  struct Token {
    std::string text;       // as the decoder reads it; empty where no token has the id
    std::string bytes;      // what it stands for in a text
    bool exists = false;    // a token has this id
    bool special = false;   // an added token that Decode(skip_special=true) drops
    bool in_model = false;  // a token that a word can become
  };
  std::vector<Token> tokens;     // by id
  std::vector<BpeMerge> merges;  // by rank
  BpeAlphabet alphabet;
  bool ignore_merges = false;  // a word that is a token becomes that token, whatever the merges say
  std::vector<AddedToken> added;
  Normalizer normalizer;
  PreTokenizer pre_tokenizer;
  TextEnds ends;
  TokenDecoder decoder;
};

// What is not supported is refused by name; `origin` names the file in messages.
absl::StatusOr<TokenizerParts> ParseTokenizerJson(absl::string_view text,
                                                  const std::string& origin);

}  // namespace grpo
