// From tokenizer.json to the tokenizer in a GGUF file.
#include <algorithm>
#include <cctype>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "data/byte_alphabet.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "policy/gguf_token_types.h"
#include "policy/gguf_tokenizer.h"
#include "policy/pre_tokenizer_names.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr int64_t kMaxVocabulary = 1 << 24;
// What llama.cpp's converter gives tokens that no merge makes.
constexpr double kNoScore = -1000;

absl::Status Invalid(const std::string& problem) {
  return absl::InvalidArgumentError(absl::StrCat("tokenizer.json: ", problem));
}

const json& FieldOf(const json& object, const std::string& key) {
  static const json null;
  if (!object.is_object()) return null;
  const auto found = object.find(key);
  return found == object.end() ? null : *found;
}

// Puts the tokens and merges together part by part.
class GgufTokenizerBuilder {
 public:
  GgufTokenizerBuilder(const json& document, const TokenizerContext& context,
                       GgufMetadata& metadata)
      : document_(document),
        model_(FieldOf(document, "model")),
        context_(context),
        metadata_(metadata) {}

  absl::Status Build();

 private:
  absl::Status ReadTokens();
  absl::Status Place(const json& id, const std::string& text, int64_t type);
  absl::Status ReadAddedTokens();
  absl::Status ReadMerges();
  absl::Status AddByteLevel();
  absl::Status AddSentencePiece();
  absl::StatusOr<std::vector<double>> Scores() const;
  void AddSpecialTokens();
  void AddSpecialToken(const char* name, const char* gguf);
  void AddChatTemplate();
  bool AddsBos() const;

  const json& document_;
  const json& model_;
  const TokenizerContext& context_;
  GgufMetadata& metadata_;
  std::vector<std::string> texts_;
  std::vector<int64_t> types_;
  std::map<std::string, int64_t> ids_;
  std::vector<std::pair<std::string, std::string>> merges_;
};

absl::Status GgufTokenizerBuilder::Build() {
  const json& type = FieldOf(model_, "type");
  if (!model_.is_object() || (!type.is_null() && type != "BPE")) {
    return Invalid(absl::StrCat("a model of type ", QuoteForMessage(type.dump()),
                                " cannot be written to GGUF; BPE can"));
  }
  RETURN_IF_ERROR(ReadTokens());
  RETURN_IF_ERROR(ReadMerges());
  const bool sentence_piece = FieldOf(model_, "byte_fallback") == json(true);
  RETURN_IF_ERROR(sentence_piece ? AddSentencePiece() : AddByteLevel());
  AddSpecialTokens();
  AddChatTemplate();
  return absl::OkStatus();
}

absl::Status GgufTokenizerBuilder::ReadTokens() {
  const json& size = FieldOf(context_.config, "vocab_size");
  if (!size.is_number_integer() || size < 1 || size > kMaxVocabulary) {
    return absl::InvalidArgumentError(absl::StrCat(
        "config.json: 'vocab_size' must be a whole number from 1, found ", size.dump()));
  }
  const auto count = size.get<int64_t>();
  types_.assign(count, kUnusedToken);
  for (int64_t id = 0; id < count; ++id) texts_.push_back(absl::StrCat("[PAD", id, "]"));
  const json& vocabulary = FieldOf(model_, "vocab");
  if (!vocabulary.is_object()) return Invalid("model.vocab must be an object");
  for (const auto& [text, id] : vocabulary.items()) {
    RETURN_IF_ERROR(Place(id, text, kNormalToken));
  }
  return ReadAddedTokens();
}

absl::Status GgufTokenizerBuilder::Place(const json& id, const std::string& text, int64_t type) {
  const auto count = static_cast<int64_t>(texts_.size());
  if (!id.is_number_integer() || id < 0 || id >= count) {
    return Invalid(absl::StrCat("the token '", QuoteForMessage(text), "' has the id ", id.dump(),
                                ", and config.json's vocab_size is ", count));
  }
  const auto place = id.get<int64_t>();
  if (types_[place] != kUnusedToken && texts_[place] != text) {
    return Invalid(absl::StrCat("two tokens have the id ", place));
  }
  texts_[place] = text;
  types_[place] = type;
  ids_[text] = place;
  return absl::OkStatus();
}

// llama.cpp finds control tokens and user-defined ones in a text before it cuts words; the former
// are not shown. Names such as <|this|> are control tokens to its converter in any case.
absl::Status GgufTokenizerBuilder::ReadAddedTokens() {
  const json& added = FieldOf(document_, "added_tokens");
  if (added.is_null()) return absl::OkStatus();
  if (!added.is_array()) return Invalid("added_tokens must be a list");
  for (const json& token : added) {
    const json& content = FieldOf(token, "content");
    if (!content.is_string()) return Invalid("an added token has no content");
    const auto text = content.get<std::string>();
    const bool looks_special = (absl::StartsWith(text, "<|") && absl::EndsWith(text, "|>")) ||
                               (absl::StartsWith(text, "<｜") && absl::EndsWith(text, "｜>")) ||
                               text == "<pad>";
    const bool special = FieldOf(token, "special") == json(true) || looks_special;
    RETURN_IF_ERROR(Place(FieldOf(token, "id"), text, special ? kControlToken : kUserDefinedToken));
  }
  return absl::OkStatus();
}

absl::Status GgufTokenizerBuilder::ReadMerges() {
  const json& merges = FieldOf(model_, "merges");
  if (!merges.is_array()) return Invalid("model.merges must be a list");
  for (const json& merge : merges) {
    std::pair<std::string, std::string> pair;
    if (merge.is_string()) {
      const auto text = merge.get<std::string>();
      const size_t space = text.find(' ', 1);
      pair = {text.substr(0, space), space == std::string::npos ? "" : text.substr(space + 1)};
    } else if (merge.is_array() && merge.size() == 2 && merge[0].is_string() &&
               merge[1].is_string()) {
      pair = {merge[0].get<std::string>(), merge[1].get<std::string>()};
    }
    if (ids_.count(pair.first) == 0 || ids_.count(pair.second) == 0) {
      return Invalid(
          absl::StrCat("model.merges: ", QuoteForMessage(merge.dump()), " is no pair of tokens"));
    }
    merges_.push_back(std::move(pair));
  }
  return absl::OkStatus();
}

absl::Status GgufTokenizerBuilder::AddByteLevel() {
  std::string pre = context_.pre;
  if (pre.empty()) {
    std::vector<std::string> merged;
    for (const auto& [left, right] : merges_) {
      merged.push_back(FromByteAlphabet(left + right).value_or(left + right));
    }
    const bool ignore_merges = FieldOf(model_, "ignore_merges") == json(true);
    const absl::StatusOr<std::string> name =
        NameOfPreTokenizer(FieldOf(document_, "pre_tokenizer"), ignore_merges, merged);
    if (!name.ok()) {
      return Invalid(absl::StrCat(name.status().message(),
                                  "; name one that will do (--pre): it decides the tokens"));
    }
    pre = *name;
  }
  std::vector<std::string> merges;
  for (const auto& [left, right] : merges_) {
    if (absl::StrContains(left, ' ') || absl::StrContains(right, ' ')) {
      return Invalid(absl::StrCat("the merge '", left, "' '", right, "' holds a space"));
    }
    merges.push_back(absl::StrCat(left, " ", right));
  }
  metadata_.Set("tokenizer.ggml.model", GgufValue::String("gpt2"));
  metadata_.Set("tokenizer.ggml.pre", GgufValue::String(pre));
  metadata_.Set("tokenizer.ggml.tokens", GgufValue::StringArray(texts_));
  metadata_.Set("tokenizer.ggml.token_type", GgufValue::Int32Array(types_));
  metadata_.Set("tokenizer.ggml.merges", GgufValue::StringArray(std::move(merges)));
  return absl::OkStatus();
}

absl::Status GgufTokenizerBuilder::AddSentencePiece() {
  for (size_t id = 0; id < texts_.size(); ++id) {
    const std::string& text = texts_[id];
    const bool byte = text.size() == 6 && absl::StartsWith(text, "<0x") && text[5] == '>' &&
                      std::isxdigit(static_cast<unsigned char>(text[3])) != 0 &&
                      std::isxdigit(static_cast<unsigned char>(text[4])) != 0;
    if (byte) types_[id] = kByteToken;
    const json& unknown = FieldOf(model_, "unk_token");
    if (unknown.is_string() && unknown == text) types_[id] = kUnknownToken;
  }
  ASSIGN_OR_RETURN(std::vector<double> scores, Scores());
  // The space in front of a text: a normalizer's, or Metaspace's.
  const std::string normalizer = FieldOf(document_, "normalizer").dump();
  const json& pre_tokenizer = FieldOf(document_, "pre_tokenizer");
  const bool metaspace = FieldOf(pre_tokenizer, "type") == "Metaspace" &&
                         FieldOf(pre_tokenizer, "prepend_scheme") != "never";
  metadata_.Set("tokenizer.ggml.model", GgufValue::String("llama"));
  metadata_.Set("tokenizer.ggml.pre", GgufValue::String("default"));
  metadata_.Set("tokenizer.ggml.tokens", GgufValue::StringArray(texts_));
  metadata_.Set("tokenizer.ggml.scores", GgufValue::Float32Array(std::move(scores)));
  metadata_.Set("tokenizer.ggml.token_type", GgufValue::Int32Array(types_));
  metadata_.Set("tokenizer.ggml.add_space_prefix",
                GgufValue::Bool(metaspace || absl::StrContains(normalizer, "\"Prepend\"")));
  return absl::OkStatus();
}

// llama.cpp merges the neighbours whose joint piece scores best; tokenizer.json has the order of
// pairs. They say the same where all pairs of one piece stand together.
absl::StatusOr<std::vector<double>> GgufTokenizerBuilder::Scores() const {
  std::vector<double> scores(texts_.size(), kNoScore - static_cast<double>(merges_.size()));
  std::map<std::string, bool> seen;
  std::string previous;
  double rank = 0;
  for (const auto& [left, right] : merges_) {
    const std::string piece = left + right;
    const auto found = ids_.find(piece);
    if (found == ids_.end()) return Invalid(absl::StrCat("no token is '", piece, "'"));
    if (piece != previous && !seen.emplace(piece, true).second) {
      return Invalid(absl::StrCat("the merges of '", piece, "' do not stand together, which ",
                                  "SentencePiece's scores cannot say"));
    }
    if (piece != previous) scores[found->second] = rank--;
    previous = piece;
  }
  return scores;
}

bool GgufTokenizerBuilder::AddsBos() const {
  const json& set = FieldOf(context_.tokenizer_config, "add_bos_token");
  if (set.is_boolean()) return set.get<bool>();
  const json& processor = FieldOf(document_, "post_processor");
  json list = FieldOf(processor, "processors");
  if (!list.is_array()) list = json::array({processor});
  for (const json& entry : list) {
    const json& single = FieldOf(entry, "single");
    if (FieldOf(entry, "type") != "TemplateProcessing" || !single.is_array()) continue;
    if (!single.empty() && single[0].is_object() && single[0].contains("SpecialToken")) return true;
  }
  return false;
}

// The id of a special token: by its name in tokenizer_config.json, else as the model's
// configuration has it.
void GgufTokenizerBuilder::AddSpecialToken(const char* name, const char* gguf) {
  const std::string key = absl::StrCat("tokenizer.ggml.", gguf, "_token_id");
  json token = FieldOf(context_.tokenizer_config, name);
  if (token.is_object()) token = FieldOf(token, "content");
  json id;
  if (token.is_string() && ids_.count(token.get<std::string>()) > 0) {
    id = ids_.at(token.get<std::string>());
  }
  const std::string id_key = absl::StrCat(name, "_id");
  if (id.is_null()) id = FieldOf(context_.generation_config, id_key);
  if (id.is_null()) id = FieldOf(context_.config, id_key);
  if (id.is_array() && !id.empty()) id = json(id[0]);
  if (!id.is_number_integer() || id < 0 || id >= static_cast<int64_t>(texts_.size())) return;
  metadata_.Set(key, GgufValue::Uint32(id.get<uint32_t>()));
}

void GgufTokenizerBuilder::AddSpecialTokens() {
  AddSpecialToken("bos_token", "bos");
  AddSpecialToken("eos_token", "eos");
  AddSpecialToken("unk_token", "unknown");
  AddSpecialToken("pad_token", "padding");
  metadata_.Set("tokenizer.ggml.add_bos_token", GgufValue::Bool(AddsBos()));
  metadata_.Set("tokenizer.ggml.add_eos_token",
                GgufValue::Bool(FieldOf(context_.tokenizer_config, "add_eos_token") == json(true)));
}

void GgufTokenizerBuilder::AddChatTemplate() {
  json text = FieldOf(context_.tokenizer_config, "chat_template");
  if (text.is_array()) {  // several by name: the default one
    for (const json& entry : json(text)) {
      if (FieldOf(entry, "name") == "default") text = FieldOf(entry, "template");
    }
  }
  if (text.is_string()) {
    metadata_.Set("tokenizer.chat_template", GgufValue::String(text.get<std::string>()));
  }
}

}  // namespace

absl::Status GgufFromTokenizer(absl::string_view tokenizer_json, const TokenizerContext& context,
                               GgufMetadata& metadata) {
  ASSIGN_OR_RETURN(const json document, ParseJson(tokenizer_json, {"tokenizer.json"}));
  return GgufTokenizerBuilder(document, context, metadata).Build();
}

}  // namespace grpo
