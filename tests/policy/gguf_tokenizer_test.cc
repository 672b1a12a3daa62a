#include "policy/gguf_tokenizer.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "data/byte_alphabet.h"
#include "data/tokenizer.h"
#include "policy/gguf_token_types.h"
#include "policy/pre_tokenizer_names.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// 256 bytes, "ab", "abc", an added token of each kind and one unused.
GgufMetadata ByteLevel(const std::string& pre) {
  std::vector<std::string> tokens;
  std::vector<int64_t> types;
  for (int byte = 0; byte < 256; ++byte) {
    tokens.push_back(ToByteAlphabet(std::string(1, static_cast<char>(byte))));
    types.push_back(kNormalToken);
  }
  for (const auto& [text, type] :
       {std::pair("ab", kNormalToken), std::pair("abc", kNormalToken),
        std::pair("<|end|>", kControlToken), std::pair("<think>", kUserDefinedToken),
        std::pair("[PAD260]", kUnusedToken)}) {
    tokens.push_back(text);
    types.push_back(type);
  }
  GgufMetadata metadata;
  metadata.Set("tokenizer.ggml.model", GgufValue::String("gpt2"));
  metadata.Set("tokenizer.ggml.pre", GgufValue::String(pre));
  metadata.Set("tokenizer.ggml.tokens", GgufValue::StringArray(tokens));
  metadata.Set("tokenizer.ggml.token_type", GgufValue::Int32Array(types));
  metadata.Set("tokenizer.ggml.merges", GgufValue::StringArray({"a b", "ab c"}));
  metadata.Set("tokenizer.ggml.bos_token_id", GgufValue::Uint32(258));
  metadata.Set("tokenizer.ggml.eos_token_id", GgufValue::Uint32(258));
  metadata.Set("tokenizer.ggml.add_bos_token", GgufValue::Bool(false));
  metadata.Set("tokenizer.chat_template", GgufValue::String("{{ messages }}"));
  return metadata;
}

TokenizerContext ContextOf(const HuggingFaceTokenizer& tokenizer, int vocab_size) {
  TokenizerContext context;
  context.config = {{"vocab_size", vocab_size}};
  context.tokenizer_config = json::parse(tokenizer.tokenizer_config_json);
  context.generation_config = json::parse(tokenizer.generation_config_json);
  return context;
}

std::string ErrorOf(const GgufMetadata& metadata) {
  const auto tokenizer = TokenizerFromGguf(metadata);
  return tokenizer.ok() ? "no error" : std::string(tokenizer.status().message());
}

class PreTokenizerTest : public ::testing::TestWithParam<const char*> {};

TEST_P(PreTokenizerTest, ComesBackUnderItsNameAndLoads) {
  const auto tokenizer = TokenizerFromGguf(ByteLevel(GetParam()));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const auto loaded = Tokenizer::FromJson(tokenizer->tokenizer_json, "made");
  ASSERT_TRUE(loaded.ok()) << loaded.status();
  EXPECT_THAT((*loaded)->Encode("abc<think>"), ElementsAre(257, 259));
  GgufMetadata back;
  const absl::Status status =
      GgufFromTokenizer(tokenizer->tokenizer_json, ContextOf(*tokenizer, 261), back);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*back.Text("tokenizer.ggml.pre"), GetParam());
  const GgufMetadata given = ByteLevel(GetParam());
  for (const char* const key : {"tokenizer.ggml.tokens", "tokenizer.ggml.merges"}) {
    EXPECT_EQ(**back.Texts(key), **given.Texts(key)) << key;
  }
  EXPECT_EQ(**back.Integers("tokenizer.ggml.token_type"),
            **given.Integers("tokenizer.ggml.token_type"));
  EXPECT_EQ(*back.Integer("tokenizer.ggml.eos_token_id"), 258);
  EXPECT_EQ(*back.Text("tokenizer.chat_template"), "{{ messages }}");
  EXPECT_FALSE(*back.Flag("tokenizer.ggml.add_bos_token"));
}

INSTANTIATE_TEST_SUITE_P(Names, PreTokenizerTest,
                         ::testing::Values("gpt-2", "smollm", "qwen2", "llama-bpe", "dbrx",
                                           "deepseek-v3", "deepseek-llm", "deepseek-coder",
                                           "tekken", "kimi-k2", "default"),
                         [](const auto& info) {
                           std::string name = info.param;
                           for (char& c : name) c = c == '-' ? '_' : c;
                           return name;
                         });

TEST(GgufTokenizerTest, SaysWhatKindOfTokenEachIs) {
  const auto tokenizer = TokenizerFromGguf(ByteLevel("smollm"));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const json document = json::parse(tokenizer->tokenizer_json);
  ASSERT_EQ(document["added_tokens"].size(), 2u);
  EXPECT_EQ(document["added_tokens"][0]["content"], "<|end|>");
  EXPECT_EQ(document["added_tokens"][0]["special"], true);
  EXPECT_EQ(document["added_tokens"][1]["special"], false);
  EXPECT_FALSE(document["model"]["vocab"].contains("[PAD260]"));
  EXPECT_EQ(document["pre_tokenizer"]["pretokenizers"][0]["type"], "Digits");
  EXPECT_TRUE(document["post_processor"].is_null());
  const json config = json::parse(tokenizer->tokenizer_config_json);
  EXPECT_EQ(config["eos_token"], "<|end|>");
  EXPECT_EQ(config["chat_template"], "{{ messages }}");
  EXPECT_EQ(json::parse(tokenizer->generation_config_json)["eos_token_id"], 258);
}

TEST(GgufTokenizerTest, ATurnMayEndWithATokenOfItsOwn) {
  GgufMetadata metadata = ByteLevel("llama-bpe");
  metadata.Set("tokenizer.ggml.eot_token_id", GgufValue::Uint32(259));
  const auto tokenizer = TokenizerFromGguf(metadata);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  EXPECT_EQ(json::parse(tokenizer->generation_config_json)["eos_token_id"],
            json::parse("[258, 259]"));
}

TEST(GgufTokenizerTest, ATokenInFrontOfEveryTextIsKept) {
  GgufMetadata metadata = ByteLevel("gpt-2");
  metadata.Set("tokenizer.ggml.add_bos_token", GgufValue::Bool(true));
  const auto tokenizer = TokenizerFromGguf(metadata);
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const json document = json::parse(tokenizer->tokenizer_json);
  EXPECT_EQ(document["post_processor"]["single"][0]["SpecialToken"]["id"], "<|end|>");
  TokenizerContext context = ContextOf(*tokenizer, 261);
  context.tokenizer_config.erase("add_bos_token");  // then tokenizer.json decides
  GgufMetadata back;
  ASSERT_TRUE(GgufFromTokenizer(tokenizer->tokenizer_json, context, back).ok());
  EXPECT_TRUE(*back.Flag("tokenizer.ggml.add_bos_token"));
}

TEST(GgufTokenizerTest, MalformedTokenizersAreRefusedByName) {
  const auto with = [](const char* key, GgufValue value) {
    GgufMetadata metadata = ByteLevel("gpt-2");
    metadata.Set(absl::StrCat("tokenizer.ggml.", key), std::move(value));
    return ErrorOf(metadata);
  };
  EXPECT_THAT(with("model", GgufValue::String("bert")), HasSubstr("model 'bert' cannot be read"));
  EXPECT_THAT(with("pre", GgufValue::String("mystery")), HasSubstr("'mystery' is not known"));
  EXPECT_THAT(with("tokens", GgufValue::Uint32(1)), HasSubstr("must be a list"));
  EXPECT_THAT(with("tokens", GgufValue::StringArray({"a"})),
              HasSubstr("261 elements for 1 tokens"));
  EXPECT_THAT(with("merges", GgufValue::StringArray({"ab"})), HasSubstr("merges'[0] is no pair"));
  EXPECT_THAT(with("merges", GgufValue::StringArray({"a "})), HasSubstr("is no pair of tokens"));
  EXPECT_THAT(with("eos_token_id", GgufValue::Uint32(261)), HasSubstr("is 261, and there are 261"));
  std::vector<std::string> tokens(261, "same");
  EXPECT_THAT(with("tokens", GgufValue::StringArray(tokens)), HasSubstr("[1] is the same as [0]"));
  tokens[0] = "\xff";
  EXPECT_THAT(with("tokens", GgufValue::StringArray(tokens)), HasSubstr("[0] is not UTF-8"));
  EXPECT_THAT(with("token_type", GgufValue::Int32Array(std::vector<int64_t>(261, 9))),
              HasSubstr("has the unknown type 9"));
}

// Pieces as SentencePiece scores them: the better the earlier it was found.
GgufMetadata SentencePiece() {
  GgufMetadata metadata;
  metadata.Set("tokenizer.ggml.model", GgufValue::String("llama"));
  metadata.Set("tokenizer.ggml.pre", GgufValue::String("default"));
  metadata.Set("tokenizer.ggml.tokens",
               GgufValue::StringArray({"<unk>", "<s>", "</s>", "<0x0A>", "ab", "abc", "bc", "▁a",
                                       "a", "b", "c", "▁"}));
  metadata.Set("tokenizer.ggml.scores",
               GgufValue::Float32Array({0, 0, 0, 0, -1, -2, -3, -4, -5, -6, -7, -8}));
  metadata.Set("tokenizer.ggml.token_type",
               GgufValue::Int32Array({2, 3, 3, 6, 1, 1, 1, 1, 1, 1, 1, 1}));
  metadata.Set("tokenizer.ggml.bos_token_id", GgufValue::Uint32(1));
  metadata.Set("tokenizer.ggml.eos_token_id", GgufValue::Uint32(2));
  metadata.Set("tokenizer.ggml.unknown_token_id", GgufValue::Uint32(0));
  return metadata;
}

TEST(GgufTokenizerTest, SentencePiecesScoresBecomeMergesAndComeBackInTheirOrder) {
  const auto tokenizer = TokenizerFromGguf(SentencePiece());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  const json document = json::parse(tokenizer->tokenizer_json);
  EXPECT_EQ(document["model"]["merges"],
            json::parse(R"([["a","b"],["ab","c"],["a","bc"],["b","c"],["▁","a"]])"));
  EXPECT_EQ(document["model"]["byte_fallback"], true);
  EXPECT_EQ(document["model"]["unk_token"], "<unk>");
  EXPECT_EQ(document["normalizer"]["normalizers"][0]["prepend"], "▁");
  EXPECT_EQ(document["post_processor"]["single"][0]["SpecialToken"]["id"], "<s>");
  GgufMetadata back;
  const absl::Status status =
      GgufFromTokenizer(tokenizer->tokenizer_json, ContextOf(*tokenizer, 12), back);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*back.Text("tokenizer.ggml.model"), "llama");
  EXPECT_EQ(**back.Texts("tokenizer.ggml.tokens"),
            **SentencePiece().Texts("tokenizer.ggml.tokens"));
  EXPECT_EQ(**back.Integers("tokenizer.ggml.token_type"),
            **SentencePiece().Integers("tokenizer.ggml.token_type"));
  const std::vector<double>& scores = **back.Reals("tokenizer.ggml.scores");
  EXPECT_GT(scores[4], scores[5]);  // ab, abc, bc, ▁a
  EXPECT_GT(scores[5], scores[6]);
  EXPECT_GT(scores[6], scores[7]);
  EXPECT_TRUE(*back.Flag("tokenizer.ggml.add_space_prefix"));
  EXPECT_TRUE(*back.Flag("tokenizer.ggml.add_bos_token"));
}

TEST(GgufTokenizerTest, MergesThatScoresCannotSayAreRefused) {
  const auto tokenizer = TokenizerFromGguf(SentencePiece());
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status();
  json document = json::parse(tokenizer->tokenizer_json);
  document["model"]["merges"] = json::parse(R"([["a","b"],["ab","c"],["b","c"],["a","bc"]])");
  GgufMetadata back;
  EXPECT_THAT(
      std::string(GgufFromTokenizer(document.dump(), ContextOf(*tokenizer, 12), back).message()),
      HasSubstr("the merges of 'abc' do not stand together"));
}

// A tokenizer of the kind that this program trains.
std::string Trained(const std::vector<std::string>& texts, int merges) {
  const auto tokenizer = Tokenizer::Train(texts, 258 + merges, {"<bos>"}, {"<think>"});
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return tokenizer.ok() ? (*tokenizer)->ToJson() : "";
}

TEST(GgufTokenizerTest, OursAreDeepseekV3sWhereNoTokenJoinsDigits) {
  TokenizerContext context;
  context.config = {{"vocab_size", 300}, {"bos_token_id", 0}};
  GgufMetadata metadata;
  const absl::Status status =
      GgufFromTokenizer(Trained({"Compute 12+34 été été Compute 56"}, 6), context, metadata);
  ASSERT_TRUE(status.ok()) << status;
  EXPECT_EQ(*metadata.Text("tokenizer.ggml.pre"), "deepseek-v3");
  EXPECT_EQ(*metadata.Integer("tokenizer.ggml.bos_token_id"), 0);
  EXPECT_EQ((*metadata.Texts("tokenizer.ggml.tokens"))->size(), 300u);
}

TEST(GgufTokenizerTest, AnUnknownPreTokenizerIsRefusedUnlessOneIsNamed) {
  // Chinese joined with Latin letters: deepseek-v3 would cut between them.
  const std::string trained = Trained({"龍a龍a龍a"}, 4);
  TokenizerContext context;
  context.config = {{"vocab_size", 300}};
  GgufMetadata metadata;
  EXPECT_THAT(std::string(GgufFromTokenizer(trained, context, metadata).message()),
              ::testing::AllOf(HasSubstr("none of llama.cpp's cuts text by \\p{N} then"),
                               HasSubstr("--pre")));
  context.pre = "smollm";
  ASSERT_TRUE(GgufFromTokenizer(trained, context, metadata).ok());
  EXPECT_EQ(*metadata.Text("tokenizer.ggml.pre"), "smollm");
}

TEST(GgufTokenizerTest, TokensOutsideTheModelsVocabularyAreRefused) {
  TokenizerContext context;
  context.config = {{"vocab_size", 100}};
  GgufMetadata metadata;
  EXPECT_THAT(std::string(GgufFromTokenizer(Trained({"ab ab"}, 1), context, metadata).message()),
              HasSubstr("and config.json's vocab_size is 100"));
  context.config = json::object();
  EXPECT_THAT(std::string(GgufFromTokenizer(Trained({"ab ab"}, 1), context, metadata).message()),
              HasSubstr("'vocab_size' must be a whole number"));
}

TEST(PreTokenizerNamesTest, LineEndsMayBeWrittenAsTheyAre) {
  json description = PreTokenizerToJson(*FindPreTokenizer("deepseek-v3"));
  json& regex = description["pretokenizers"][2]["pattern"]["Regex"];
  std::string text = regex.get<std::string>();
  for (size_t at; (at = text.find("\\r\\n")) != std::string::npos;) text.replace(at, 4, "\r\n");
  regex = text;
  EXPECT_EQ(*NameOfPreTokenizer(description, false, {}), "deepseek-v3");
  EXPECT_FALSE(NameOfPreTokenizer(description, /*ignore_merges=*/true, {}).ok());
}

}  // namespace
}  // namespace grpo
