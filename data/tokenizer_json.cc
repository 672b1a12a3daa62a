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

namespace grpo {
namespace {

using nlohmann::json;

// Ids are places in a table: a few times the largest published vocabulary.
constexpr int64_t kMaxTokenId = 10'000'000;

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

absl::StatusOr<std::string> TypeOf(const json& component, const std::string& where) {
  if (component.is_object()) return StringField(component, "type", where);
  return Wrong(where, absl::StrCat("expected an object, found ", JsonKind(component)));
}

std::string Quoted(absl::string_view token) {
  return absl::StrCat("\"", QuoteForMessage(token), "\"");
}

// Fills in one part after the other, in the order of the functions.
class Parser {
 public:
  explicit Parser(const std::string& origin) : origin_(origin), model_(origin + ": model") {}

  absl::StatusOr<TokenizerParts> Parse(const json& document);

 private:
  absl::Status CheckIgnoredParts(const json& document);
  absl::Status CheckPostProcessor(const json& processor, const std::string& where);
  absl::Status ParseModel(const json& model);
  absl::Status ParseVocabulary(const json& vocabulary);
  absl::Status FindBytes();
  absl::Status ParseMerges(const json& merges);
  absl::StatusOr<BpeMerge> ParseMerge(const json& merge, const std::string& where);
  absl::Status ParseAddedTokens(const json& list);
  absl::Status ParseAddedToken(const json& entry, const std::string& where);

  std::string origin_;
  std::string model_;  // names the model in messages
  TokenIds ids_;
  absl::flat_hash_map<int32_t, std::string> texts_;  // the inverse of ids_
  std::vector<TokenizerParts::Token> tokens_;
  std::array<int32_t, 256> byte_ids_{};
  std::vector<BpeMerge> merges_;
  bool ignore_merges_ = false;
  std::vector<AddedToken> added_;
  absl::flat_hash_set<int32_t> added_ids_;
};

absl::StatusOr<TokenizerParts> Parser::Parse(const json& document) {
  RETURN_IF_ERROR(CheckObject(document,
                              {"version", "truncation", "padding", "added_tokens", "normalizer",
                               "pre_tokenizer", "post_processor", "decoder", "model"},
                              origin_));
  RETURN_IF_ERROR(CheckIgnoredParts(document));
  RETURN_IF_ERROR(ParseModel(FieldOrNull(document, "model")));
  RETURN_IF_ERROR(ParseAddedTokens(FieldOrNull(document, "added_tokens")));
  ASSIGN_OR_RETURN(PreTokenizer pre_tokenizer,
                   PreTokenizer::FromJson(FieldOrNull(document, "pre_tokenizer"), origin_));
  return TokenizerParts{std::move(tokens_), byte_ids_,         std::move(merges_),
                        ignore_merges_,     std::move(added_), std::move(pre_tokenizer)};
}

absl::Status Parser::CheckIgnoredParts(const json& document) {
  RETURN_IF_ERROR(RequireAbsent(document, {"truncation", "padding"}, origin_));
  const json& normalizer = FieldOrNull(document, "normalizer");
  if (!normalizer.is_null()) {
    const std::string where = origin_ + ": normalizer";
    ASSIGN_OR_RETURN(const std::string type, TypeOf(normalizer, where));
    if (type != "Sequence" || FieldOrNull(normalizer, "normalizers") != json::array()) {
      return Wrong(where, absl::StrCat("\"", QuoteForMessage(type),
                                       "\" is not supported; "
                                       "supported are: null, an empty Sequence"));
    }
  }
  const std::string where = origin_ + ": decoder";
  ASSIGN_OR_RETURN(const std::string decoder, TypeOf(FieldOrNull(document, "decoder"), where));
  if (decoder != "ByteLevel") {
    return Wrong(where, absl::StrCat("\"", QuoteForMessage(decoder),
                                     "\" is not supported; supported is: ByteLevel"));
  }
  return CheckPostProcessor(FieldOrNull(document, "post_processor"), origin_ + ": post_processor");
}

// A post-processor adds tokens at the ends of a text (TemplateProcessing) or corrects places in it
// (ByteLevel). A prompt is put together by its template, which writes such tokens itself, so
// Encode() does neither.
absl::Status Parser::CheckPostProcessor(const json& processor, const std::string& where) {
  if (processor.is_null()) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::string type, TypeOf(processor, where));
  if (type == "ByteLevel" || type == "TemplateProcessing") return absl::OkStatus();
  const json& list = FieldOrNull(processor, "processors");
  if (type != "Sequence" || !list.is_array()) {
    return Wrong(where,
                 absl::StrCat("\"", QuoteForMessage(type), "\" is not supported; supported are: ",
                              "null, ByteLevel, TemplateProcessing, a Sequence of them"));
  }
  for (const json& entry : list) RETURN_IF_ERROR(CheckPostProcessor(entry, where));
  return absl::OkStatus();
}

absl::Status Parser::ParseModel(const json& model) {
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
  // unk_token and fuse_unk have no say here: every byte has a token, so nothing is unknown.
  RETURN_IF_ERROR(RequireAbsent(
      model, {"dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback"},
      model_));
  ASSIGN_OR_RETURN(ignore_merges_, BoolField(model, "ignore_merges", false, model_));
  RETURN_IF_ERROR(ParseVocabulary(FieldOrNull(model, "vocab")));
  RETURN_IF_ERROR(FindBytes());
  return ParseMerges(FieldOrNull(model, "merges"));
}

absl::Status Parser::ParseVocabulary(const json& vocabulary) {
  const std::string where = model_ + ".vocab";
  if (!vocabulary.is_object()) {
    return Wrong(where, absl::StrCat("expected an object of tokens with their ids, found ",
                                     JsonKind(vocabulary)));
  }
  for (const auto& [text, value] : vocabulary.items()) {
    ASSIGN_OR_RETURN(const int32_t id,
                     TokenIdOf(value, absl::StrCat(where, "[", Quoted(text), "]")));
    const auto [other, is_new] = texts_.try_emplace(id, text);
    if (!is_new) {
      return Wrong(where, absl::StrCat("the tokens ", Quoted(other->second), " and ", Quoted(text),
                                       " have the same id ", id));
    }
    ids_[text] = id;
    if (id >= static_cast<int32_t>(tokens_.size())) tokens_.resize(id + 1);
    const absl::optional<std::string> bytes = FromByteAlphabet(text);
    tokens_[id].bytes = bytes.value_or(text);
    tokens_[id].in_alphabet = bytes.has_value();
  }
  return absl::OkStatus();
}

absl::Status Parser::FindBytes() {
  for (int byte = 0; byte < 256; ++byte) {
    const std::string text = ToByteAlphabet(std::string(1, static_cast<char>(byte)));
    const auto found = ids_.find(text);
    if (found == ids_.end()) {
      return Wrong(model_ + ".vocab",
                   absl::StrFormat("the byte 0x%02x (\"%s\") has no token; a byte-level vocabulary "
                                   "has all 256, so that any text can be written in it",
                                   byte, text));
    }
    byte_ids_[byte] = found->second;
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
  // They would drop white space around the token, or depend on its neighbours.
  RETURN_IF_ERROR(RequireAbsent(entry, {"single_word", "lstrip", "rstrip"}, where));
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
  if (token.id >= static_cast<int32_t>(tokens_.size())) tokens_.resize(token.id + 1);
  tokens_[token.id].bytes = token.text;
  tokens_[token.id].special = token.special;
  added_.push_back(std::move(token));
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TokenizerParts> ParseTokenizerJson(absl::string_view text,
                                                  const std::string& origin) {
  ASSIGN_OR_RETURN(const json document, ParseJson(text, {origin}));
  return Parser(origin).Parse(document);
}

}  // namespace grpo
