#include "data/tokenizer_json.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"
#include "absl/types/optional.h"

#include "data/byte_alphabet.h"
#include "data/json.h"
#include "data/json_fields.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo {
namespace {

using nlohmann::json;

// Ids are places in a table: a few times the largest published vocabulary.
constexpr int64_t kMaxTokenId = (1 << 20) - 1;

using TokenIds = absl::flat_hash_map<std::string, int32_t>;  // by the token as the file writes it

absl::Status Wrong(const std::string& where, absl::string_view what) {
  return absl::InvalidArgumentError(absl::StrCat(where, ": ", what));
}

// An error where a key that changes the encoding is set to what this tokenizer does not do.
absl::Status RequireAbsent(const json& object, const std::vector<std::string>& keys,
                           const std::string& where) {
  for (const std::string& key : keys) {
    const json& value = FieldOrNull(object, key);
    const bool off =
        value.is_null() || value == json(false) || value == json("") || value == json(0);
    if (!off) {
      return Wrong(where, absl::StrCat("\"", key, "\" is ", JsonKind(value),
                                       "; only null or false is supported"));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<int32_t> TokenIdOf(const json& value, const std::string& where) {
  if (!value.is_number_integer() || value.get<int64_t>() < 0 ||
      value.get<int64_t>() > kMaxTokenId) {
    return Wrong(where, absl::StrCat("expected a token id from 0 to ", kMaxTokenId, ", found ",
                                     JsonKind(value)));
  }
  return value.get<int32_t>();
}

std::string Quoted(absl::string_view token) {
  return absl::StrCat("\"", QuoteForMessage(token), "\"");
}

// The one character of `text`, if it is one.
absl::optional<char32_t> OnlyCharacter(absl::string_view text) {
  if (text.empty() || Utf8CharacterSize(text) != text.size()) return absl::nullopt;
  return DecodeUtf8(text);
}

// Fills in one part after the other, in the order of the functions.
class Parser {
 public:
  explicit Parser(const std::string& origin) : origin_(origin), model_(origin + ": model") {}

  absl::StatusOr<TokenizerParts> Parse(const json& document);

 private:
  absl::Status ParseModel(const json& model, bool byte_level, BpeAlphabet* alphabet);
  absl::Status ParseVocabulary(const json& vocabulary);
  absl::Status FindUnknown(const json& model, BpeAlphabet* alphabet);
  absl::Status FindBytes(bool byte_fallback, BpeAlphabet* alphabet);
  absl::Status FindCharacters(bool byte_fallback, BpeAlphabet* alphabet);
  absl::Status ParseMerges(const json& merges);
  absl::StatusOr<BpeMerge> ParseMerge(const json& merge, const std::string& where);
  absl::Status ParseAddedTokens(const json& list);
  absl::Status ParseAddedToken(const json& entry, const std::string& where);
  std::vector<TokenizerParts::Token> DescribeTokens(const Normalizer& normalizer,
                                                    const TokenDecoder& decoder,
                                                    bool byte_level) const;
  absl::Status CheckEnds(const TextEnds& ends) const;

  std::string origin_;
  std::string model_;  // names the model in messages
  TokenIds ids_;
  absl::flat_hash_map<int32_t, std::string> texts_;  // the inverse of ids_
  std::vector<BpeMerge> merges_;
  bool ignore_merges_ = false;
  std::vector<AddedToken> added_;
  absl::flat_hash_set<int32_t> model_ids_, added_ids_;
};

absl::StatusOr<TokenizerParts> Parser::Parse(const json& document) {
  RETURN_IF_ERROR(CheckObject(document,
                              {"version", "truncation", "padding", "added_tokens", "normalizer",
                               "pre_tokenizer", "post_processor", "decoder", "model"},
                              origin_));
  RETURN_IF_ERROR(RequireAbsent(document, {"truncation", "padding"}, origin_));
  ASSIGN_OR_RETURN(Normalizer normalizer,
                   Normalizer::FromJson(FieldOrNull(document, "normalizer"), origin_));
  ASSIGN_OR_RETURN(PreTokenizer pre_tokenizer,
                   PreTokenizer::FromJson(FieldOrNull(document, "pre_tokenizer"), origin_));
  ASSIGN_OR_RETURN(TextEnds ends,
                   ParsePostProcessor(FieldOrNull(document, "post_processor"), origin_));
  ASSIGN_OR_RETURN(TokenDecoder decoder,
                   TokenDecoder::FromJson(FieldOrNull(document, "decoder"), origin_));
  BpeAlphabet alphabet;
  RETURN_IF_ERROR(
      ParseModel(FieldOrNull(document, "model"), pre_tokenizer.byte_level(), &alphabet));
  RETURN_IF_ERROR(ParseAddedTokens(FieldOrNull(document, "added_tokens")));
  RETURN_IF_ERROR(CheckEnds(ends));
  std::vector<TokenizerParts::Token> tokens = DescribeTokens(normalizer, decoder, alphabet.bytes);
  return TokenizerParts{std::move(tokens),        std::move(merges_), std::move(alphabet),
                        ignore_merges_,           std::move(added_),  std::move(normalizer),
                        std::move(pre_tokenizer), std::move(ends),    std::move(decoder)};
}

absl::Status Parser::ParseModel(const json& model, bool byte_level, BpeAlphabet* alphabet) {
  RETURN_IF_ERROR(CheckObject(
      model,
      {"type", "dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix",
       "fuse_unk", "byte_fallback", "ignore_merges", "vocab", "merges"},
      model_));
  // Files of the first years leave the type out.
  const json type = model.value("type", json("BPE"));
  if (type != json("BPE")) {
    return Wrong(
        model_,
        absl::StrCat("type ", type.is_string() ? Quoted(type.get<std::string>()) : JsonKind(type),
                     " is not supported; supported is: \"BPE\""));
  }
  RETURN_IF_ERROR(
      RequireAbsent(model, {"dropout", "continuing_subword_prefix", "end_of_word_suffix"}, model_));
  ASSIGN_OR_RETURN(ignore_merges_, BoolField(model, "ignore_merges", false, model_));
  RETURN_IF_ERROR(ParseVocabulary(FieldOrNull(model, "vocab")));
  alphabet->bytes = byte_level;
  RETURN_IF_ERROR(FindUnknown(model, alphabet));
  ASSIGN_OR_RETURN(const bool byte_fallback, BoolField(model, "byte_fallback", false, model_));
  RETURN_IF_ERROR(byte_level ? FindBytes(byte_fallback, alphabet)
                             : FindCharacters(byte_fallback, alphabet));
  return ParseMerges(FieldOrNull(model, "merges"));
}

absl::Status Parser::ParseVocabulary(const json& vocabulary) {
  const std::string where = model_ + ".vocab";
  if (!vocabulary.is_object()) {
    return Wrong(where, absl::StrCat("expected an object of tokens with their ids, found ",
                                     JsonKind(vocabulary)));
  }
  for (const auto& [text, value] : vocabulary.items()) {
    const std::string here = absl::StrCat(where, "[", Quoted(text), "]");
    ASSIGN_OR_RETURN(const int32_t id, TokenIdOf(value, here));
    const auto [other, is_new] = texts_.try_emplace(id, text);
    if (!is_new) {
      return Wrong(where, absl::StrCat("the tokens ", Quoted(other->second), " and ", Quoted(text),
                                       " have the same id ", id));
    }
    ids_[text] = id;
    model_ids_.insert(id);
  }
  return absl::OkStatus();
}

absl::Status Parser::FindUnknown(const json& model, BpeAlphabet* alphabet) {
  ASSIGN_OR_RETURN(alphabet->fuse_unknown, BoolField(model, "fuse_unk", false, model_));
  if (FieldOrNull(model, "unk_token").is_null()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string unknown, StringField(model, "unk_token", model_));
  const auto found = ids_.find(unknown);
  if (found == ids_.end()) {
    return Wrong(model_, absl::StrCat("\"unk_token\": the token ", Quoted(unknown),
                                      " is not in the vocabulary"));
  }
  alphabet->unknown_id = found->second;
  return absl::OkStatus();
}

// Vocabularies that were learnt without an initial alphabet lack some bytes (SmolLM2's does).
absl::Status Parser::FindBytes(bool byte_fallback, BpeAlphabet* alphabet) {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = ToByteAlphabet(std::string(1, static_cast<char>(byte)));
    const auto found = ids_.find(text);
    if (found == ids_.end() && byte_fallback) {
      return Wrong(
          model_ + ".vocab",
          absl::StrFormat("the byte 0x%02x (\"%s\") has no token; with \"byte_fallback\" a "
                          "byte-level vocabulary must have all of them",
                          byte, QuoteForMessage(text)));
    }
    alphabet->byte_ids[byte] = found == ids_.end() ? -1 : found->second;
  }
  return absl::OkStatus();
}

absl::Status Parser::FindCharacters(bool byte_fallback, BpeAlphabet* alphabet) {
  for (const auto& [text, id] : ids_) {
    if (const auto character = OnlyCharacter(text)) alphabet->character_ids[*character] = id;
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto found = ids_.find(absl::StrFormat("<0x%02X>", byte));
    alphabet->byte_ids[byte] = byte_fallback && found != ids_.end() ? found->second : -1;
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseMerges(const json& merges) {
  if (!merges.is_array()) {
    return Wrong(model_ + ".merges", absl::StrCat("expected a list, found ", JsonKind(merges)));
  }
  absl::flat_hash_map<std::pair<int32_t, int32_t>, size_t> places;
  for (size_t i = 0; i < merges.size(); ++i) {
    const std::string where = absl::StrCat(model_, ".merges[", i, "]");
    ASSIGN_OR_RETURN(const BpeMerge merge, ParseMerge(merges[i], where));
    const auto [other, is_new] = places.try_emplace({merge.left, merge.right}, i);
    if (!is_new) {
      return Wrong(where, absl::StrCat("is the same pair as merges[", other->second, "]"));
    }
    merges_.push_back(merge);
  }
  return absl::OkStatus();
}

absl::StatusOr<BpeMerge> Parser::ParseMerge(const json& merge, const std::string& where) {
  std::vector<std::string> pair;
  if (merge.is_string()) {
    pair = absl::StrSplit(merge.get<std::string>(), ' ');
  } else if (merge.is_array() && std::all_of(merge.begin(), merge.end(),
                                             [](const json& part) { return part.is_string(); })) {
    pair = merge.get<std::vector<std::string>>();
  }
  if (pair.size() != 2) {
    return Wrong(where, absl::StrCat("expected \"left right\" or [\"left\", \"right\"], found ",
                                     QuoteForMessage(merge.dump())));
  }
  BpeMerge ids;
  for (const auto& [text, id] : {std::pair(pair[0], &ids.left), std::pair(pair[1], &ids.right),
                                 std::pair(pair[0] + pair[1], &ids.result)}) {
    const auto found = ids_.find(text);
    if (found == ids_.end()) {
      return Wrong(where, absl::StrCat("the token ", Quoted(text), " is not in the vocabulary"));
    }
    *id = found->second;
  }
  return ids;
}

absl::Status Parser::ParseAddedTokens(const json& list) {
  const std::string where = origin_ + ": added_tokens";
  if (list.is_null()) return absl::OkStatus();
  if (!list.is_array()) {
    return Wrong(where, absl::StrCat("expected a list, found ", JsonKind(list)));
  }
  for (size_t i = 0; i < list.size(); ++i) {
    RETURN_IF_ERROR(ParseAddedToken(list[i], absl::StrCat(where, "[", i, "]")));
  }
  return absl::OkStatus();
}

absl::Status Parser::ParseAddedToken(const json& entry, const std::string& where) {
  RETURN_IF_ERROR(CheckObject(
      entry, {"id", "content", "single_word", "lstrip", "rstrip", "normalized", "special"}, where));
  AddedToken token;
  ASSIGN_OR_RETURN(token.id, TokenIdOf(FieldOrNull(entry, "id"), where + ".id"));
  ASSIGN_OR_RETURN(token.text, StringField(entry, "content", where));
  if (token.text.empty()) return Wrong(where, "\"content\" is empty");
  ASSIGN_OR_RETURN(token.left_strip, BoolField(entry, "lstrip", false, where));
  ASSIGN_OR_RETURN(token.right_strip, BoolField(entry, "rstrip", false, where));
  ASSIGN_OR_RETURN(token.single_word, BoolField(entry, "single_word", false, where));
  ASSIGN_OR_RETURN(token.special, BoolField(entry, "special", false, where));
  ASSIGN_OR_RETURN(token.normalized, BoolField(entry, "normalized", !token.special, where));

  const auto same_text = ids_.try_emplace(token.text, token.id).first;
  const auto same_id = texts_.try_emplace(token.id, token.text).first;
  if (same_text->second != token.id || same_id->second != token.text) {
    return Wrong(where, absl::StrCat("the token ", Quoted(token.text), " with id ", token.id,
                                     " contradicts the token ", Quoted(same_id->second),
                                     " of that id or the id ", same_text->second, " of that text"));
  }
  if (!added_ids_.insert(token.id).second) {
    return Wrong(where,
                 absl::StrCat("the token ", Quoted(token.text), " stands twice in the list"));
  }
  added_.push_back(std::move(token));
  return absl::OkStatus();
}

absl::Status Parser::CheckEnds(const TextEnds& ends) const {
  for (const std::vector<int32_t>* const end : {&ends.before, &ends.after}) {
    for (const int32_t id : *end) {
      if (!texts_.contains(id)) {
        return Wrong(origin_ + ": post_processor",
                     absl::StrCat("it adds the token ", id, ", but no token has that id"));
      }
    }
  }
  return absl::OkStatus();
}

std::vector<TokenizerParts::Token> Parser::DescribeTokens(const Normalizer& normalizer,
                                                          const TokenDecoder& decoder,
                                                          bool byte_level) const {
  int32_t size = 0;
  for (const auto& [id, text] : texts_) size = std::max(size, id + 1);
  std::vector<TokenizerParts::Token> tokens(size);
  for (const auto& [id, text] : texts_) {
    tokens[id].text = text;
    tokens[id].exists = true;
    tokens[id].in_model =
        model_ids_.contains(id) && (!byte_level || FromByteAlphabet(text).has_value());
  }
  for (const AddedToken& token : added_) {
    TokenizerParts::Token& described = tokens[token.id];
    // `tokenizers` decodes the text that it looks for, and compares that with the special ones.
    if (token.normalized) described.text = normalizer.Apply(token.text);
    described.special = token.special && described.text == token.text;
  }
  for (TokenizerParts::Token& token : tokens) token.bytes = decoder.BytesOf(token.text);
  return tokens;
}

}  // namespace

absl::StatusOr<TokenizerParts> ParseTokenizerJson(absl::string_view text,
                                                  const std::string& origin) {
  ASSIGN_OR_RETURN(const json document, ParseJson(text, {origin}));
  return Parser(origin).Parse(document);
}

}  // namespace grpo
