#include "data/tokenizer.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"

#include "data/added_tokens.h"
#include "data/bpe.h"
#include "data/file.h"
#include "data/status_macros.h"
#include "data/token_decoder.h"
#include "data/tokenizer_json.h"
#include "data/utf8.h"

namespace grpo {
namespace {

class BpeTokenizer : public Tokenizer {
 public:
  BpeTokenizer(TokenizerParts parts, absl::string_view json);

  std::vector<int32_t> Encode(absl::string_view text) const override;
  std::vector<int32_t> EncodeWithEnds(absl::string_view text) const override;
  std::string Decode(const std::vector<int32_t>& tokens, bool skip_special) const override;
  std::unique_ptr<StreamDecoder> DecodeStream(bool skip_special) const override;
  absl::string_view TokenBytes(int32_t token) const override;
  absl::optional<int32_t> TokenId(absl::string_view token_text) const override;
  int vocabulary_size() const override { return static_cast<int>(parts_.tokens.size()); }
  std::string ToJson() const override { return json_; }

 private:
  class Stream;
  // The places in the output at which a word was written out, by its text.
  struct Range {
    size_t begin, end;
  };
  using WordCache = absl::flat_hash_map<std::string, Range>;

  void EncodeWord(absl::string_view word, WordCache* cache, std::vector<int32_t>* tokens) const;
  // Appends the tokens of text that no added token stands in before normalization.
  void EncodePiece(absl::string_view piece, bool at_start, WordCache* cache,
                   std::vector<int32_t>* tokens) const;
  // The token, or nullptr where there is none or it is not to be decoded.
  const TokenizerParts::Token* Shown(int32_t token, bool skip_special) const;

  TokenizerParts parts_;
  Bpe bpe_;
  AddedTokenFinder raw_finder_;         // the added tokens that are looked for first
  AddedTokenFinder normalized_finder_;  // those that are looked for in what is left
  absl::flat_hash_map<std::string, int32_t> word_tokens_;  // by the word that they are
  absl::flat_hash_map<std::string, int32_t> added_ids_;    // by their text
  std::string json_;
};

class BpeTokenizer::Stream : public StreamDecoder {
 public:
  Stream(const BpeTokenizer& tokenizer, bool skip_special)
      : tokenizer_(tokenizer), run_(tokenizer.parts_.decoder), skip_special_(skip_special) {}

  std::string Push(int32_t token) override {
    std::string text;
    if (const auto* shown = tokenizer_.Shown(token, skip_special_)) run_.Push(shown->text, &text);
    return text;
  }

  std::string Finish() override {
    std::string text;
    run_.Finish(&text);
    return text;
  }

 private:
  const BpeTokenizer& tokenizer_;
  TokenDecoder::Run run_;
  bool skip_special_;
};

std::vector<AddedToken> RawTokens(const TokenizerParts& parts) {
  std::vector<AddedToken> chosen;
  for (const AddedToken& token : parts.added) {
    if (!token.normalized) chosen.push_back(token);
  }
  return chosen;
}

std::vector<AddedToken> NormalizedTokens(const TokenizerParts& parts) {
  std::vector<AddedToken> chosen;
  for (AddedToken token : parts.added) {
    token.text = parts.normalizer.Apply(token.text);
    if (token.normalized && !token.text.empty()) chosen.push_back(std::move(token));
  }
  return chosen;
}

BpeTokenizer::BpeTokenizer(TokenizerParts parts, absl::string_view json)
    : parts_(std::move(parts)),
      bpe_(parts_.alphabet, parts_.merges),
      raw_finder_(RawTokens(parts_)),
      normalized_finder_(NormalizedTokens(parts_)),
      json_(json) {
  for (int32_t id = 0; id < vocabulary_size(); ++id) {
    const TokenizerParts::Token& token = parts_.tokens[id];
    if (!token.in_model) continue;
    word_tokens_.try_emplace(parts_.alphabet.bytes ? token.bytes : token.text, id);
  }
  for (const AddedToken& token : parts_.added) added_ids_[token.text] = token.id;
}

void BpeTokenizer::EncodeWord(absl::string_view word, WordCache* cache,
                              std::vector<int32_t>* tokens) const {
  constexpr size_t kMaxCachedBytes = 64;  // longer words seldom come again
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

void BpeTokenizer::EncodePiece(absl::string_view piece, bool at_start, WordCache* cache,
                               std::vector<int32_t>* tokens) const {
  std::string normalized;
  if (!parts_.normalizer.empty()) {
    bool start_removed = false;
    normalized = parts_.normalizer.Apply(piece, &start_removed);
    piece = normalized;
    at_start &= !start_removed;
  }
  const char* const start = piece.data();
  normalized_finder_.Split(
      piece,
      [&](absl::string_view text) {
        parts_.pre_tokenizer.Split(
            text, at_start && text.data() == start,
            [&](absl::string_view word) { EncodeWord(word, cache, tokens); });
      },
      [&](int32_t id) { tokens->push_back(id); });
}

std::vector<int32_t> BpeTokenizer::Encode(absl::string_view text) const {
  std::string replaced;
  if (!IsUtf8(text)) {
    replaced = ReplaceInvalidUtf8(text);
    text = replaced;
  }
  std::vector<int32_t> tokens;
  WordCache cache;
  raw_finder_.Split(
      text,
      [&](absl::string_view piece) {
        EncodePiece(piece, piece.data() == text.data(), &cache, &tokens);
      },
      [&](int32_t id) { tokens.push_back(id); });
  return tokens;
}

std::vector<int32_t> BpeTokenizer::EncodeWithEnds(absl::string_view text) const {
  std::vector<int32_t> tokens = Encode(text);
  tokens.insert(tokens.begin(), parts_.ends.before.begin(), parts_.ends.before.end());
  tokens.insert(tokens.end(), parts_.ends.after.begin(), parts_.ends.after.end());
  return tokens;
}

const TokenizerParts::Token* BpeTokenizer::Shown(int32_t token, bool skip_special) const {
  if (token < 0 || token >= vocabulary_size()) return nullptr;
  const TokenizerParts::Token& found = parts_.tokens[token];
  return found.exists && !(skip_special && found.special) ? &found : nullptr;
}

std::string BpeTokenizer::Decode(const std::vector<int32_t>& tokens, bool skip_special) const {
  TokenDecoder::Run run(parts_.decoder);
  std::string text;
  for (const int32_t token : tokens) {
    if (const auto* shown = Shown(token, skip_special)) run.Push(shown->text, &text);
  }
  run.Finish(&text);
  return text;
}

std::unique_ptr<StreamDecoder> BpeTokenizer::DecodeStream(bool skip_special) const {
  return std::make_unique<Stream>(*this, skip_special);
}

absl::string_view BpeTokenizer::TokenBytes(int32_t token) const {
  const TokenizerParts::Token* const shown = Shown(token, /*skip_special=*/false);
  return shown == nullptr ? absl::string_view() : absl::string_view(shown->bytes);
}

absl::optional<int32_t> BpeTokenizer::TokenId(absl::string_view token_text) const {
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
  return std::shared_ptr<const Tokenizer>(std::make_shared<BpeTokenizer>(std::move(parts), json));
}

}  // namespace grpo
