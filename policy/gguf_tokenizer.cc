// From the tokenizer in a GGUF file to tokenizer.json.
#include "policy/gguf_tokenizer.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

#include "data/json.h"
#include "data/status_macros.h"
#include "data/utf8.h"
#include "policy/gguf_token_types.h"
#include "policy/pre_tokenizer_names.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr char kSpace[] = "\xe2\x96\x81";  // SentencePiece writes a space as U+2581

absl::Status Invalid(const std::string& problem) { return absl::InvalidArgumentError(problem); }

struct Tokens {
  std::vector<std::string> texts;  // by id
  std::vector<int64_t> types;
};

absl::StatusOr<Tokens> TokensOf(const GgufMetadata& metadata) {
  Tokens tokens;
  ASSIGN_OR_RETURN(const auto* texts, metadata.Texts("tokenizer.ggml.tokens"));
  tokens.texts = *texts;
  tokens.types.assign(texts->size(), kNormalToken);
  if (metadata.Has("tokenizer.ggml.token_type")) {
    ASSIGN_OR_RETURN(const auto* types, metadata.Integers("tokenizer.ggml.token_type"));
    tokens.types = *types;
  }
  if (tokens.types.size() != tokens.texts.size()) {
    return Invalid(absl::StrCat("'tokenizer.ggml.token_type' has ", tokens.types.size(),
                                " elements for ", tokens.texts.size(), " tokens"));
  }
  std::map<absl::string_view, size_t> places;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const std::string& text = tokens.texts[id];
    const std::string where = absl::StrCat("'tokenizer.ggml.tokens'[", id, "] ");
    if (!IsUtf8(text)) return Invalid(where + "is not UTF-8");
    if (tokens.types[id] < kNormalToken || tokens.types[id] > kByteToken) {
      return Invalid(absl::StrCat(where, "has the unknown type ", tokens.types[id]));
    }
    if (tokens.types[id] == kUnusedToken) continue;
    const auto [other, is_new] = places.emplace(text, id);
    if (!is_new) return Invalid(absl::StrCat(where, "is the same as [", other->second, "]"));
  }
  return tokens;
}

// The text of the token whose id the key has; empty where the key is missing.
absl::StatusOr<std::string> SpecialToken(const GgufMetadata& metadata, const Tokens& tokens,
                                         const std::string& key) {
  if (!metadata.Has(key)) return "";
  ASSIGN_OR_RETURN(const int64_t id, metadata.Integer(key));
  if (id >= 0 && id < static_cast<int64_t>(tokens.texts.size())) return tokens.texts[id];
  return Invalid(
      absl::StrCat("'", key, "' is ", id, ", and there are ", tokens.texts.size(), " tokens"));
}

json AddedTokens(const Tokens& tokens) {
  json added = json::array();
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const int64_t type = tokens.types[id];
    if (type != kControlToken && type != kUserDefinedToken && type != kUnknownToken) continue;
    if (tokens.texts[id].empty()) continue;
    added.push_back({{"id", id},
                     {"content", tokens.texts[id]},
                     {"single_word", false},
                     {"lstrip", false},
                     {"rstrip", false},
                     {"normalized", false},
                     {"special", type != kUserDefinedToken}});
  }
  return added;
}

// Every token under its id but the unused ones, which fill the embedding's rows.
json Vocabulary(const Tokens& tokens) {
  json vocabulary = json::object();
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    if (tokens.types[id] != kUnusedToken) vocabulary[tokens.texts[id]] = id;
  }
  return vocabulary;
}

// Puts the beginning of a text in front of it where the file says so.
json PostProcessor(const std::string& bos, int64_t bos_id) {
  const auto part = [](const char* kind, const std::string& id, int type_id) {
    return json{{kind, {{"id", id}, {"type_id", type_id}}}};
  };
  return {{"type", "TemplateProcessing"},
          {"single", {part("SpecialToken", bos, 0), part("Sequence", "A", 0)}},
          {"pair",
           {part("SpecialToken", bos, 0), part("Sequence", "A", 0), part("SpecialToken", bos, 1),
            part("Sequence", "B", 1)}},
          {"special_tokens",
           {{bos, {{"id", bos}, {"ids", json::array({bos_id})}, {"tokens", json::array({bos})}}}}}};
}

json Document(const Tokens& tokens, json model) {
  return {{"version", "1.0"},          {"truncation", nullptr},
          {"padding", nullptr},        {"added_tokens", AddedTokens(tokens)},
          {"normalizer", nullptr},     {"pre_tokenizer", nullptr},
          {"post_processor", nullptr}, {"decoder", nullptr},
          {"model", std::move(model)}};
}

json BpeModel(const Tokens& tokens, json merges) {
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", nullptr},
          {"continuing_subword_prefix", nullptr},
          {"end_of_word_suffix", nullptr},
          {"fuse_unk", false},
          {"byte_fallback", false},
          {"ignore_merges", false},
          {"vocab", Vocabulary(tokens)},
          {"merges", std::move(merges)}};
}

absl::StatusOr<json> ByteLevelDocument(const GgufMetadata& metadata, const Tokens& tokens) {
  std::string pre = "default";
  if (metadata.Has("tokenizer.ggml.pre")) {
    ASSIGN_OR_RETURN(pre, metadata.Text("tokenizer.ggml.pre"));
  }
  const KnownPreTokenizer* const known = FindPreTokenizer(pre);
  if (known == nullptr) {
    return Invalid(absl::StrCat("the pre-tokenizer '", QuoteForMessage(pre), "' is not known"));
  }
  ASSIGN_OR_RETURN(const auto* merges, metadata.Texts("tokenizer.ggml.merges"));
  for (size_t i = 0; i < merges->size(); ++i) {
    const std::string& merge = (*merges)[i];
    const size_t space = merge.find(' ', 1);
    if (!IsUtf8(merge) || space == std::string::npos || space + 1 == merge.size()) {
      return Invalid(absl::StrCat("'tokenizer.ggml.merges'[", i, "] is no pair of tokens: '",
                                  QuoteForMessage(merge), "'"));
    }
  }
  json model = BpeModel(tokens, *merges);
  model["ignore_merges"] = known->ignore_merges;
  json document = Document(tokens, std::move(model));
  document["pre_tokenizer"] = PreTokenizerToJson(*known);
  document["decoder"] = {{"type", "ByteLevel"},
                         {"add_prefix_space", false},
                         {"trim_offsets", true},
                         {"use_regex", false}};
  return document;
}

// SentencePiece merges the neighbours whose joint piece scores best. As pairs: those of better
// pieces first; for one piece, longer left parts first, as transformers orders them.
json MergesByScore(const Tokens& tokens, const std::vector<double>& scores) {
  std::map<absl::string_view, size_t> ids;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    if (tokens.types[id] != kUnusedToken) ids.emplace(tokens.texts[id], id);
  }
  struct Pair {
    double score;
    size_t left_characters, right_characters;
    absl::string_view left, right;
  };
  std::vector<Pair> pairs;
  for (size_t id = 0; id < tokens.texts.size(); ++id) {
    const absl::string_view text = tokens.texts[id];
    if (tokens.types[id] != kNormalToken && tokens.types[id] != kUserDefinedToken) continue;
    size_t characters = 0, done = 0;
    for (size_t i = 0; i < text.size(); i += Utf8CharacterSize(text.substr(i))) ++characters;
    for (size_t i = Utf8CharacterSize(text); i < text.size();
         i += Utf8CharacterSize(text.substr(i))) {
      ++done;
      const absl::string_view left = text.substr(0, i), right = text.substr(i);
      if (ids.count(left) == 0 || ids.count(right) == 0) continue;
      pairs.push_back({scores[id], done, characters - done, left, right});
    }
  }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) {
    return std::tie(a.score, a.left_characters, a.right_characters) >
           std::tie(b.score, b.left_characters, b.right_characters);
  });
  json merges = json::array();
  for (const Pair& pair : pairs) {
    merges.push_back({std::string(pair.left), std::string(pair.right)});
  }
  return merges;
}

absl::StatusOr<json> SentencePieceDocument(const GgufMetadata& metadata, const Tokens& tokens) {
  ASSIGN_OR_RETURN(const auto* scores, metadata.Reals("tokenizer.ggml.scores"));
  if (scores->size() != tokens.texts.size()) {
    return Invalid(absl::StrCat("'tokenizer.ggml.scores' has ", scores->size(), " elements for ",
                                tokens.texts.size(), " tokens"));
  }
  if (std::any_of(scores->begin(), scores->end(), [](double score) { return score != score; })) {
    return Invalid("'tokenizer.ggml.scores' holds what is no number");
  }
  json model = BpeModel(tokens, MergesByScore(tokens, *scores));
  ASSIGN_OR_RETURN(const std::string unknown,
                   SpecialToken(metadata, tokens, "tokenizer.ggml.unknown_token_id"));
  if (!unknown.empty()) model["unk_token"] = unknown;
  model["fuse_unk"] = true;
  model["byte_fallback"] = true;
  json document = Document(tokens, std::move(model));
  bool prefix = true;
  if (metadata.Has("tokenizer.ggml.add_space_prefix")) {
    ASSIGN_OR_RETURN(prefix, metadata.Flag("tokenizer.ggml.add_space_prefix"));
  }
  const json to_piece = {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", kSpace}};
  const json to_space = {{"type", "Replace"}, {"pattern", {{"String", kSpace}}}, {"content", " "}};
  json normalizers = json::array({to_piece});
  json decoders = json::array({to_space, {{"type", "ByteFallback"}}, {{"type", "Fuse"}}});
  if (prefix) {
    normalizers = json::array({{{"type", "Prepend"}, {"prepend", kSpace}}, to_piece});
    decoders.push_back({{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
  }
  document["normalizer"] = {{"type", "Sequence"}, {"normalizers", normalizers}};
  document["decoder"] = {{"type", "Sequence"}, {"decoders", decoders}};
  return document;
}

absl::StatusOr<std::string> ChatTemplate(const GgufMetadata& metadata) {
  if (!metadata.Has("tokenizer.chat_template")) return "";
  ASSIGN_OR_RETURN(const std::string text, metadata.Text("tokenizer.chat_template"));
  if (IsUtf8(text)) return text;
  return Invalid("'tokenizer.chat_template' is not UTF-8");
}

// tokenizer_config.json and generation_config.json.
absl::Status AddConfigs(const GgufMetadata& metadata, const Tokens& tokens, bool adds_bos,
                        HuggingFaceTokenizer& out) {
  json config = {{"tokenizer_class", "PreTrainedTokenizerFast"},
                 {"clean_up_tokenization_spaces", false},
                 {"add_bos_token", adds_bos}};
  json generation = json::object();
  for (const auto& [gguf, name] :
       {std::pair("bos", "bos_token"), std::pair("eos", "eos_token"),
        std::pair("padding", "pad_token"), std::pair("unknown", "unk_token")}) {
    const std::string key = absl::StrCat("tokenizer.ggml.", gguf, "_token_id");
    ASSIGN_OR_RETURN(const std::string text, SpecialToken(metadata, tokens, key));
    if (!metadata.Has(key)) continue;
    config[name] = text;
    if (absl::string_view(name) == "unk_token") continue;
    ASSIGN_OR_RETURN(generation[absl::StrCat(name, "_id")], metadata.Integer(key));
  }
  // A turn of a chat may end with another token than a text.
  if (metadata.Has("tokenizer.ggml.eot_token_id") && generation.contains("eos_token_id")) {
    ASSIGN_OR_RETURN(const int64_t end_of_turn, metadata.Integer("tokenizer.ggml.eot_token_id"));
    const int64_t end = generation["eos_token_id"].get<int64_t>();
    if (end_of_turn != end) generation["eos_token_id"] = {end, end_of_turn};
  }
  ASSIGN_OR_RETURN(const std::string chat_template, ChatTemplate(metadata));
  if (!chat_template.empty()) config["chat_template"] = chat_template;
  out.tokenizer_config_json = config.dump(2) + "\n";
  out.generation_config_json = generation.dump(2) + "\n";
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<HuggingFaceTokenizer> TokenizerFromGguf(const GgufMetadata& metadata) {
  HuggingFaceTokenizer tokenizer;
  if (!metadata.Has("tokenizer.ggml.model")) return tokenizer;
  ASSIGN_OR_RETURN(const std::string model, metadata.Text("tokenizer.ggml.model"));
  const bool sentence_piece = model == "llama";
  if (!sentence_piece && model != "gpt2") {
    return Invalid(absl::StrCat("the tokenizer model '", QuoteForMessage(model),
                                "' cannot be read; gpt2 and llama can"));
  }
  ASSIGN_OR_RETURN(const Tokens tokens, TokensOf(metadata));
  json document;
  if (sentence_piece) {
    ASSIGN_OR_RETURN(document, SentencePieceDocument(metadata, tokens));
  } else {
    ASSIGN_OR_RETURN(document, ByteLevelDocument(metadata, tokens));
  }
  bool adds_bos = sentence_piece;  // llama.cpp's own default
  if (metadata.Has("tokenizer.ggml.add_bos_token")) {
    ASSIGN_OR_RETURN(adds_bos, metadata.Flag("tokenizer.ggml.add_bos_token"));
  }
  ASSIGN_OR_RETURN(const std::string bos,
                   SpecialToken(metadata, tokens, "tokenizer.ggml.bos_token_id"));
  if (adds_bos && !bos.empty()) {
    ASSIGN_OR_RETURN(const int64_t id, metadata.Integer("tokenizer.ggml.bos_token_id"));
    document["post_processor"] = PostProcessor(bos, id);
  }
  tokenizer.tokenizer_json = document.dump(1, ' ') + "\n";
  RETURN_IF_ERROR(AddConfigs(metadata, tokens, adds_bos, tokenizer));
  return tokenizer;
}

}  // namespace grpo
