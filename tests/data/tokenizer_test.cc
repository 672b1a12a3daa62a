#include "data/tokenizer.h"

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "nlohmann/json.hpp"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "data/random.h"
#include "data/utf8.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using ::nlohmann::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr char kGolden[] = GRPO_SOURCE_DIR "/tests/golden/";

json GoldenJson(const std::string& name) {
  const auto text = ReadFile(kGolden + name);
  EXPECT_TRUE(text.ok()) << text.status();
  return json::parse(*text);
}

std::shared_ptr<const Tokenizer> Make(const json& description) {
  auto tokenizer = Tokenizer::FromJson(description.dump(), "t.json");
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status();
  return *tokenizer;
}

// The file of a variant: its base with the variant's parts in place.
json Described(const json& variant) {
  json description = GoldenJson(variant["base"].get<std::string>());
  for (const auto& [name, part] : variant["parts"].items()) {
    if (name == "model") {
      description[name].update(part);
    } else {
      description[name] = part;
    }
  }
  return description;
}

TEST(TokenizerTest, GivesTheIdsOfTheReference) {
  const json golden = GoldenJson("tokenizer_cases.json");
  for (const json& variant : golden["variants"]) {
    const auto tokenizer = Make(Described(variant));
    for (size_t i = 0; i < golden["texts"].size(); ++i) {
      const std::string text = golden["texts"][i].get<std::string>();
      if (variant["ids"][i].is_null()) continue;  // the reference stopped with an error
      EXPECT_EQ(json(tokenizer->Encode(text)), variant["ids"][i])
          << variant["base"] << ", " << variant["name"] << ": " << text;
      if (!variant.contains("ids_with_ends")) continue;
      EXPECT_EQ(json(tokenizer->EncodeWithEnds(text)), variant["ids_with_ends"][i])
          << variant["base"] << ", " << variant["name"] << ": " << text;
    }
  }
}

// The text of the tokens taken one by one; each part of it is checked.
std::string Streamed(const Tokenizer& tokenizer, const std::vector<int32_t>& tokens,
                     bool skip_special) {
  const auto stream = tokenizer.DecodeStream(skip_special);
  std::string text;
  for (const int32_t token : tokens) {
    const std::string part = stream->Push(token);
    EXPECT_TRUE(IsUtf8(part)) << part;
    text += part;
  }
  return text + stream->Finish();
}

TEST(TokenizerTest, DecodesToTheTextsOfTheReferenceAtOnceAndTokenByToken) {
  const json golden = GoldenJson("tokenizer_cases.json");
  for (const json& variant : golden["variants"]) {
    const auto tokenizer = Make(Described(variant));
    for (const json& decoded : variant.value("decoded", json::array())) {
      const auto ids = decoded["ids"].get<std::vector<int32_t>>();
      for (const bool skip_special : {false, true}) {
        const json& expected = decoded[skip_special ? "visible" : "all"];
        if (expected.is_null()) continue;  // the reference stopped with an error
        EXPECT_EQ(tokenizer->Decode(ids, skip_special), expected.get<std::string>())
            << variant["base"] << ", " << variant["name"] << ": " << decoded["ids"];
        EXPECT_EQ(Streamed(*tokenizer, ids, skip_special), expected.get<std::string>())
            << variant["base"] << ", " << variant["name"] << ": " << decoded["ids"];
      }
    }
  }
}

TEST(TokenizerTest, ReadsMergesInBothSpellings) {
  json description = GoldenJson("tokenizer.json");
  const auto as_written = Make(description);
  for (json& merge : description["model"]["merges"]) {
    if (merge.is_array()) {
      merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
    } else {
      const std::string both = merge.get<std::string>();
      const size_t space = both.find(' ');
      merge = json::array({both.substr(0, space), both.substr(space + 1)});
    }
  }
  const std::string text = "The answer is the number 132.";
  EXPECT_EQ(Make(description)->Encode(text), as_written->Encode(text));
}

TEST(TokenizerTest, GivesBackAnyTextWithItsInvalidBytesReplaced) {
  const auto byte_level = Make(GoldenJson("tokenizer.json"));
  const auto sentencepiece = Make(GoldenJson("tokenizer_sentencepiece.json"));
  RandomStream random(1, 2);
  for (int trial = 0; trial < 300; ++trial) {
    std::string bytes;
    for (uint64_t i = random.Below(60); i > 0; --i) {
      bytes += random.Below(3) == 0 ? static_cast<char>(random.Below(256))
                                    : "the \xE4\xB8\xAD"[random.Below(7)];
    }
    const std::string valid = ReplaceInvalidUtf8(bytes);
    for (const auto& tokenizer : {byte_level, sentencepiece}) {
      const std::vector<int32_t> tokens = tokenizer->Encode(bytes);
      EXPECT_EQ(tokens, tokenizer->Encode(valid));
      EXPECT_EQ(tokenizer->Decode(tokens, false), valid);
      EXPECT_EQ(Streamed(*tokenizer, tokens, false), valid);
    }
  }
}

TEST(TokenizerTest, LeavesOutBytesWithoutATokenOrWritesTheUnknown) {
  json description = GoldenJson("tokenizer.json");
  description["model"]["vocab"].erase("~");
  EXPECT_EQ(Make(description)->Encode("a~~b").size(), 2u);
  description["model"]["unk_token"] = "<eos>";
  EXPECT_THAT(Make(description)->Encode("a~~b"), ElementsAre(testing::_, 1, 1, testing::_));
  description["model"]["fuse_unk"] = true;
  EXPECT_THAT(Make(description)->Encode("~~~"), ElementsAre(1));
}

TEST(TokenizerTest, StreamsACharacterWhenItsLastByteHasCome) {
  const auto tokenizer = Make(GoldenJson("tokenizer.json"));
  const auto id = [&](const char* bytes) { return *tokenizer->TokenId(bytes); };
  const auto stream = tokenizer->DecodeStream(false);
  EXPECT_EQ(stream->Push(id("a")), "a");
  EXPECT_EQ(stream->Push(id("\xE4")), "");
  EXPECT_EQ(stream->Push(id("\xB8")), "");
  EXPECT_EQ(stream->Push(id("\xAD")), "中");
  EXPECT_EQ(stream->Push(id("\xE4")), "");
  EXPECT_EQ(stream->Push(id("a")), "\uFFFDa");
  EXPECT_EQ(stream->Push(id("\xFF")), "\uFFFD");
  EXPECT_EQ(stream->Push(id("\xF0")), "");
  EXPECT_EQ(stream->Push(id("\x9F")), "");
  EXPECT_EQ(stream->Finish(), "\uFFFD");
}

TEST(TokenizerTest, KnowsWhatTokensOfCharactersStandFor) {
  const auto tokenizer = Make(GoldenJson("tokenizer_sentencepiece.json"));
  EXPECT_EQ(tokenizer->TokenBytes(*tokenizer->TokenId("▁the")), " the");
  EXPECT_EQ(tokenizer->TokenBytes(*tokenizer->TokenId("<0xE4>")), "\xE4");
  EXPECT_EQ(tokenizer->TokenBytes(*tokenizer->TokenId("</s>")), "</s>");
}

TEST(TokenizerTest, KeepsVisibleAndDropsSpecialTokensOnRequest) {
  const auto tokenizer = Make(GoldenJson("tokenizer.json"));
  const std::vector<int32_t> tokens = tokenizer->Encode("<think>a<eos>");
  EXPECT_THAT(tokens, ElementsAre(400, *tokenizer->TokenId("a"), 1));
  EXPECT_EQ(tokenizer->Decode(tokens, false), "<think>a<eos>");
  EXPECT_EQ(tokenizer->Decode(tokens, true), "<think>a");
}

TEST(TokenizerTest, AnswersForIdsAndTokensThatDoNotExist) {
  const auto tokenizer = Make(GoldenJson("tokenizer.json"));
  EXPECT_EQ(tokenizer->vocabulary_size(), 402);
  EXPECT_EQ(tokenizer->Decode({-1, 402, 1 << 30, 400}, false), "<think>");
  EXPECT_EQ(tokenizer->TokenBytes(402), "");
  EXPECT_EQ(tokenizer->TokenBytes(-5), "");
  EXPECT_FALSE(tokenizer->TokenId("no such token").has_value());
  EXPECT_EQ(tokenizer->TokenBytes(*tokenizer->TokenId(" the")), " the");
  EXPECT_THAT(tokenizer->Encode(""), IsEmpty());
}

TEST(TokenizerTest, TakesAWholeWordFirstWhereMergesAreIgnored) {
  json description = GoldenJson("tokenizer.json");
  description["model"]["vocab"]["qzj"] = 500;  // no merge leads to it
  EXPECT_EQ(Make(description)->Encode("qzj").size(), 3u);
  description["model"]["ignore_merges"] = true;
  EXPECT_THAT(Make(description)->Encode("qzj"), ElementsAre(500));
  EXPECT_EQ(Make(description)->vocabulary_size(), 501);
  EXPECT_EQ(Make(description)->TokenBytes(450), "");
}

TEST(TokenizerTest, GivesBackItsFile) {
  const ScratchFolder folder;
  const auto tokenizer = *Tokenizer::Load(std::string(kGolden) + "tokenizer.json");
  ASSERT_TRUE(WriteFileAtomically(folder.Path("t.json"), tokenizer->ToJson()).ok());
  EXPECT_EQ(*ReadFile(folder.Path("t.json")), *ReadFile(std::string(kGolden) + "tokenizer.json"));
  EXPECT_TRUE(absl::IsNotFound(Tokenizer::Load(folder.Path("none")).status()));
}

// What is done to a good file, and what the message must say.
struct Malformed {
  std::function<void(json&)> spoil;
  std::string message;
};

TEST(TokenizerTest, RefusesWhatItCannotHonourByName) {
  const json split = {{"type", "Split"},
                      {"pattern", {{"Regex", "a"}}},
                      {"behavior", "Isolated"},
                      {"invert", false}};
  const auto with_split = [split](const std::string& key, const json& value) {
    return [=](json& t) {
      json spoilt = split;
      spoilt[key] = value;
      t["pre_tokenizer"] = {{"type", "Sequence"},
                            {"pretokenizers", {spoilt, {{"type", "ByteLevel"}}}}};
    };
  };
  const auto with = [](const std::string& key) {
    return [key](const json& value) { return [=](json& t) { t[key] = value; }; };
  };
  const auto normalizer = with("normalizer"), decoder = with("decoder"),
             processor = with("post_processor");
  const auto ends = [&](const json& pieces) {
    return processor(
        {{"type", "TemplateProcessing"},
         {"single", pieces},
         {"pair", json::array()},
         {"special_tokens", {{"<no>", {{"id", "<no>"}, {"ids", {5000}}, {"tokens", {"<no>"}}}}}}});
  };
  const std::vector<Malformed> cases = {
      {[](json& t) { t["model"]["type"] = "Unigram"; }, "type \"Unigram\" is not supported"},
      {[](json& t) { t["model"]["dropout"] = 0.1; }, "\"dropout\" is the number 0.1"},
      {[](json& t) { t["model"]["continuing_subword_prefix"] = "##"; }, "continuing_subword"},
      {[](json& t) { t["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix"},
      {[](json& t) { t["model"]["sense"] = 1; }, "\"sense\" is not supported"},
      {[](json& t) { t["model"]["ignore_merges"] = 1; }, "expected true or false"},
      {[](json& t) { t["model"].erase("vocab"); }, "vocab: expected an object"},
      {[](json& t) { t["model"]["vocab"]["a"] = "x"; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = -1; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 1ull << 40; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 1ull << 31; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = ~0ull; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 5.0; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 5; }, "have the same id 5"},
      {[](json& t) {
         t["model"]["vocab"].erase("~");
         t["model"]["byte_fallback"] = true;
       },
       "the byte 0x7e (\"~\") has no token"},
      {[](json& t) { t["model"]["merges"] = "a b"; }, "merges: expected a list"},
      {[](json& t) { t["model"]["merges"][7] = "ab"; }, "merges[7]: expected"},
      {[](json& t) {
         t["model"]["merges"][7] = {"a", 1};
       },
       "merges[7]: expected"},
      {[](json& t) { t["model"]["merges"][7] = "a ~"; }, "\"a~\" is not in the vocabulary"},
      {[](json& t) { t["model"]["merges"][7] = t["model"]["merges"][3]; },
       "same pair as merges[3]"},
      {[](json& t) {
         t["added_tokens"] = {};
         t["added_tokens"] = 3;
       },
       "expected a list"},
      {[](json& t) { t["added_tokens"][0]["lstrip"] = 1; }, "\"lstrip\": expected true or false"},
      {[](json& t) { t["added_tokens"][0]["content"] = ""; }, "\"content\" is empty"},
      {[](json& t) { t["added_tokens"][0]["id"] = 40; }, "contradicts"},
      {[](json& t) { t["added_tokens"][1] = t["added_tokens"][0]; }, "stands twice"},
      {normalizer({{"type", "Nmt"}}), "normalizer: Nmt: is not supported"},
      {normalizer({{"type", "Precompiled"}, {"precompiled_charsmap", ""}}),
       "normalizer: Precompiled: is not supported"},
      {normalizer({{"type", "Sequence"}}), "\"normalizers\": expected a list, found null"},
      {normalizer("NFC"), "normalizer: expected an object, found a string"},
      {normalizer({{"type", "NFC"}, {"form", 1}}), "\"form\" is not supported"},
      {normalizer({{"type", "Prepend"}, {"prepend", std::string(5000, 'a')}}),
       "more than 4096 times as long"},
      {normalizer({{"type", "Replace"}, {"pattern", {{"Regex", "["}}}, {"content", ""}}),
       "a set without an end"},
      {[](json& t) {
         t["truncation"] = {{"max_length", 5}};
       },
       "\"truncation\" is an object"},
      {[](json& t) { t["decoder"] = 1; }, "decoder: expected an object"},
      {decoder({{"type", "WordPiece"}}), "decoder: WordPiece: is not supported"},
      {decoder({{"type", "Strip"}, {"content", "ab"}, {"start", 1}, {"stop", 0}}),
       "expected one character, found \"ab\""},
      {decoder({{"type", "Strip"}, {"content", "a"}, {"start", -1}, {"stop", 0}}),
       "\"start\": expected a number from 0"},
      {processor({{"type", "BertProcessing"}}), "BertProcessing: is not supported"},
      {processor({{"type", "TemplateProcessing"}}), "\"single\": expected a list"},
      {ends({{{"SpecialToken", {{"id", "<s>"}}}}}), "names this token, but it is missing"},
      {ends(json::array()), "has no sequence A"},
      {ends({{{"Sequence", {{"id", "B"}}}}}), "expected the sequence A"},
      {ends({{{"SpecialToken", {{"id", "<no>"}}}}, {{"Sequence", {{"id", "A"}}}}}),
       "it adds the token 5000, but no token has that id"},
      {[](json& t) { t["pre_tokenizer"]["type"] = "Bert"; }, "Bert: is not supported"},
      {[](json& t) {
         t["pre_tokenizer"] = {{"type", "Metaspace"}, {"replacement", "__"}};
       },
       "expected one character, found \"__\""},
      {[](json& t) {
         t["pre_tokenizer"] = {
             {"type", "Metaspace"}, {"replacement", "_"}, {"prepend_scheme", "last"}};
       },
       "expected always, first or never, found \"last\""},
      {[](json& t) {
         t["pre_tokenizer"] = nullptr;
         t["model"]["unk_token"] = "<none>";
       },
       "the token \"<none>\" is not in the vocabulary"},
      {with_split("pattern", {{"Regex", "(a"}}), "missing closing parenthesis"},
      {with_split("pattern", {{"String", ""}}), "is empty"},
      {with_split("pattern", "a"), "expected an object"},
      {with_split("behavior", "Shredded"), "\"Shredded\" is not known"},
      {with_split("invert", "no"), "expected true or false"},
      {with_split("type", "UnicodeScripts"), "UnicodeScripts: is not supported"},
  };
  for (const Malformed& malformed : cases) {
    json description = GoldenJson("tokenizer.json");
    malformed.spoil(description);
    const absl::Status status = Tokenizer::FromJson(description.dump(), "t.json").status();
    EXPECT_THAT(std::string(status.message()),
                AllOf(HasSubstr("t.json: "), HasSubstr(malformed.message)));
  }
}

TEST(TokenizerTest, RefusesWhatIsNoJson) {
  for (const char* text : {"", "{", "[]", "\xff", "null", "{\"model\":{},\"model\":{}}", "{}"}) {
    EXPECT_FALSE(Tokenizer::FromJson(text, "t.json").ok()) << text;
  }
}

TEST(TokenizerTest, RefusesAFileThatIsCutOffAnywhere) {
  const std::string whole = GoldenJson("tokenizer_sentencepiece.json").dump();
  for (size_t size = 0; size < whole.size(); size += 97) {
    EXPECT_FALSE(Tokenizer::FromJson(whole.substr(0, size), "t.json").ok()) << size;
  }
}

TEST(TokenizerTest, EncodesAndDecodesWithAVocabularyOfAlmostNothing) {
  const auto tokenizer = Make({{"model", {{"vocab", {{"a", 0}}}, {"merges", json::array()}}}});
  EXPECT_THAT(tokenizer->Encode("abca"), ElementsAre(0, 0));
  EXPECT_EQ(tokenizer->Decode({0, 0, 1}, false), "a a");
  EXPECT_THAT(
      Make({{"model", {{"vocab", json::object()}, {"merges", json::array()}}}})->Encode("a"),
      IsEmpty());
}

TEST(TokenizerTest, EndsUnderAPatternThatBacktracksWithoutEnd) {
  json description = GoldenJson("tokenizer.json");
  description["pre_tokenizer"] = {
      {"type", "Sequence"},
      {"pretokenizers",
       {{{"type", "Split"},
         {"pattern", {{"Regex", "(a+)+$"}}},
         {"behavior", "Isolated"},
         {"invert", false}},
        {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}}}}};
  const auto tokenizer = Make(description);
  const std::string text = std::string(1000, 'a') + "!";
  EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(text), false), text);
}

}  // namespace
}  // namespace grpo
