#include "data/tokenizer.h"

#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/file.h"
#include "data/pre_tokenizer.h"
#include "data/status_macros.h"
#include "data/tokenizer_json.h"

namespace grpo {
namespace {

class ByteLevelTokenizer : public Tokenizer {
 public:
  ByteLevelTokenizer(TokenizerParts parts, absl::string_view json);

  std::vector<int32_t> Encode(absl::string_view text) const override;
  std::string Decode(const std::vector<int32_t>& tokens, bool skip_special) const override;
  absl::string_view TokenBytes(int32_t token) const override;
  absl::optional<int32_t> TokenId(absl::string_view token_text) const override;
  int vocabulary_size() const override { return static_cast<int>(parts_.tokens.size()); }
  std::string ToJson() const override { return json_; }

 private:
  // The places in the output at which a word was written out, by its bytes.
  struct Range {
    size_t begin, end;
  };
  using WordCache = absl::flat_hash_map<std::string, Range>;

  void EncodeWord(absl::string_view word, WordCache* cache, std::vector<int32_t>* tokens) const;
  bool Has(int32_t token) const { return token >= 0 && token < vocabulary_size(); }

  TokenizerParts parts_;
  Bpe bpe_;
  AddedTokenFinder raw_finder_;         // the added tokens that are looked for first
  AddedTokenFinder normalized_finder_;  // those that are looked for in what is left
  absl::flat_hash_map<std::string, int32_t> word_tokens_;  // by the bytes they stand for
  absl::flat_hash_map<std::string, int32_t> added_ids_;    // by their text
  std::string json_;
};

std::vector<AddedToken> WithNormalized(const std::vector<AddedToken>& tokens, bool normalized) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : tokens) {
    if (token.normalized == normalized) chosen.push_back(token);
  }
  return chosen;
}

ByteLevelTokenizer::ByteLevelTokenizer(TokenizerParts parts, absl::string_view json)
    : parts_(std::move(parts)),
      bpe_(parts_.byte_ids, parts_.merges),
      raw_finder_(WithNormalized(parts_.added, false)),
      normalized_finder_(WithNormalized(parts_.added, true)),
      json_(json) {
  for (int32_t id = 0; id < vocabulary_size(); ++id) {
    if (parts_.tokens[id].in_alphabet) word_tokens_.try_emplace(parts_.tokens[id].bytes, id);
  }
  for (const AddedToken& token : parts_.added) added_ids_[token.text] = token.id;
}

void ByteLevelTokenizer::EncodeWord(absl::string_view word, WordCache* cache,
                                    std::vector<int32_t>* tokens) const {
  constexpr size_t kMaxCachedBytes = 64;  // longer words seldom come again
  if (word.size() == 1) {
    tokens->push_back(parts_.byte_ids[static_cast<unsigned char>(word[0])]);
    return;
  }
  if (parts_.ignore_merges) {
    const auto whole = word_tokens_.find(word);
    if (whole != word_tokens_.end()) {
      tokens->push_back(whole->second);
      return;
    }
  }
  const auto seen = cache->find(word);
  if (seen != cache->end()) {
    for (size_t i = seen->second.begin; i < seen->second.end; ++i) {
      const int32_t token = (*tokens)[i];  // push_back() may move what a reference points at
      tokens->push_back(token);
    }
    return;
  }
  const size_t begin = tokens->size();
  bpe_.Encode(word, tokens);
  if (word.size() <= kMaxCachedBytes) cache->try_emplace(word, Range{begin, tokens->size()});
}

std::vector<int32_t> ByteLevelTokenizer::Encode(absl::string_view text) const {
  std::vector<int32_t> tokens;
  WordCache cache;
  const auto on_token = [&](int32_t id) { tokens.push_back(id); };
  const auto on_word = [&](absl::string_view word) { EncodeWord(word, &cache, &tokens); };
  const auto on_text = [&](absl::string_view piece) { parts_.pre_tokenizer.Split(piece, on_word); };
  const auto on_raw_text = [&](absl::string_view piece) {
    normalized_finder_.Split(piece, on_text, on_token);
  };
  raw_finder_.Split(text, on_raw_text, on_token);
  return tokens;
}

std::string ByteLevelTokenizer::Decode(const std::vector<int32_t>& tokens,
                                       bool skip_special) const {
  std::string text;
  for (const int32_t token : tokens) {
    if (!Has(token) || (skip_special && parts_.tokens[token].special)) continue;
    text += parts_.tokens[token].bytes;
  }
  return text;
}

absl::string_view ByteLevelTokenizer::TokenBytes(int32_t token) const {
  return Has(token) ? absl::string_view(parts_.tokens[token].bytes) : absl::string_view();
}

absl::optional<int32_t> ByteLevelTokenizer::TokenId(absl::string_view token_text) const {
  const auto added = added_ids_.find(token_text);
  if (added != added_ids_.end()) return added->second;
  const auto word = word_tokens_.find(token_text);
  if (word != word_tokens_.end()) return word->second;
  return absl::nullopt;
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::Load(const std::string& path) {
  ASSIGN_OR_RETURN(const std::string json, ReadFile(path));
  return FromJson(json, path);
}

absl::StatusOr<std::shared_ptr<const Tokenizer>> Tokenizer::FromJson(absl::string_view json,
                                                                     const std::string& origin) {
  ASSIGN_OR_RETURN(TokenizerParts parts, ParseTokenizerJson(json, origin));
  return std::shared_ptr<const Tokenizer>(
      std::make_shared<ByteLevelTokenizer>(std::move(parts), json));
}

}  // namespace grpo
