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

TEST(TokenizerTest, GivesTheIdsOfTheReferenceUnderEveryPreTokenizer) {
  const json cases = GoldenJson("tokenizer_cases.json");
  json description = GoldenJson("tokenizer.json");
  for (const json& variant : cases["variants"]) {
    description["pre_tokenizer"] = variant["pre_tokenizer"];
    const auto tokenizer = Make(description);
    for (size_t i = 0; i < cases["texts"].size(); ++i) {
      const std::string text = cases["texts"][i].get<std::string>();
      EXPECT_EQ(tokenizer->Encode(text), variant["ids"][i].get<std::vector<int32_t>>())
          << variant["name"] << ": " << text;
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

TEST(TokenizerTest, DecodesToTheSameBytesWhateverTheyAre) {
  const auto tokenizer = Make(GoldenJson("tokenizer.json"));
  RandomStream random(1, 2);
  for (int trial = 0; trial < 300; ++trial) {
    std::string bytes;
    for (uint64_t i = random.Below(60); i > 0; --i) {
      bytes += random.Below(3) == 0 ? static_cast<char>(random.Below(256))
                                    : "the \xE4\xB8\xAD"[random.Below(7)];
    }
    EXPECT_EQ(tokenizer->Decode(tokenizer->Encode(bytes), false), bytes);
  }
}

TEST(TokenizerTest, MakesBytesThatAreNoUtf8WordsOfTheirOwn) {
  const auto tokenizer = Make(GoldenJson("tokenizer.json"));
  const std::vector<int32_t> before = tokenizer->Encode("the"), after = tokenizer->Encode(" the");
  std::vector<int32_t> expected = before;
  for (const char* byte : {"\xFE", "\xFF"}) expected.push_back(*tokenizer->TokenId(byte));
  expected.insert(expected.end(), after.begin(), after.end());
  EXPECT_EQ(tokenizer->Encode("the\xFE\xFF the"), expected);
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

TEST(TokenizerTest, LeavesTheEndsAloneUnderAPostProcessor) {
  json description = GoldenJson("tokenizer.json");
  const auto plain = Make(description)->Encode("the");
  description["post_processor"] = {
      {"type", "Sequence"},
      {"processors", {{{"type", "ByteLevel"}}, {{"type", "TemplateProcessing"}}}}};
  EXPECT_EQ(Make(description)->Encode("the"), plain);
}

TEST(TokenizerTest, GivesBackItsFile) {
  const ScratchFolder folder;
  const auto tokenizer = *Tokenizer::Load(std::string(kGolden) + "tokenizer.json");
  ASSERT_TRUE(WriteFileAtomically(folder.Path("t.json"), tokenizer->ToJson()).ok());
  const auto again = *Tokenizer::Load(folder.Path("t.json"));
  EXPECT_EQ(again->ToJson(), tokenizer->ToJson());
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
  const std::vector<Malformed> cases = {
      {[](json& t) { t["model"]["type"] = "Unigram"; }, "type \"Unigram\" is not supported"},
      {[](json& t) { t["model"]["dropout"] = 0.1; }, "\"dropout\" is the number 0.1"},
      {[](json& t) { t["model"]["byte_fallback"] = true; }, "\"byte_fallback\" is true"},
      {[](json& t) { t["model"]["end_of_word_suffix"] = "</w>"; }, "end_of_word_suffix"},
      {[](json& t) { t["model"]["sense"] = 1; }, "\"sense\" is not supported"},
      {[](json& t) { t["model"]["ignore_merges"] = 1; }, "expected true or false"},
      {[](json& t) { t["model"].erase("vocab"); }, "vocab: expected an object"},
      {[](json& t) { t["model"]["vocab"]["a"] = "x"; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = -1; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 1ull << 40; }, "expected a token id"},
      {[](json& t) { t["model"]["vocab"]["a"] = 5; }, "have the same id 5"},
      {[](json& t) { t["model"]["vocab"].erase("a"); }, "the byte 0x61 (\"a\") has no token"},
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
      {[](json& t) { t["added_tokens"][0]["lstrip"] = true; }, "\"lstrip\" is true"},
      {[](json& t) { t["added_tokens"][0]["content"] = ""; }, "\"content\" is empty"},
      {[](json& t) { t["added_tokens"][0]["id"] = 40; }, "contradicts"},
      {[](json& t) { t["added_tokens"][1] = t["added_tokens"][0]; }, "stands twice"},
      {[](json& t) {
         t["normalizer"] = {{"type", "NFC"}};
       },
       "\"NFC\" is not supported"},
      {[](json& t) {
         t["truncation"] = {{"max_length", 5}};
       },
       "\"truncation\" is an object"},
      {[](json& t) { t["decoder"] = nullptr; }, "decoder: expected an object"},
      {[](json& t) { t["decoder"]["type"] = "WordPiece"; }, "\"WordPiece\" is not supported"},
      {[](json& t) {
         t["post_processor"] = {{"type", "BertProcessing"}};
       },
       "BertProcessing"},
      {[](json& t) { t["pre_tokenizer"] = nullptr; }, "pre_tokenizer: is null"},
      {[](json& t) { t["pre_tokenizer"]["type"] = "Metaspace"; }, "Metaspace: is not supported"},
      {[split](json& t) { t["pre_tokenizer"] = split; }, "has no ByteLevel"},
      {with_split("pattern", {{"Regex", "(a"}}), "missing closing parenthesis"},
      {with_split("pattern", {{"String", ""}}), "is empty"},
      {with_split("pattern", "a"), "expected an object"},
      {with_split("behavior", "Shredded"), "\"Shredded\" is not known"},
      {with_split("invert", "no"), "expected true or false"},
      {with_split("type", "Punctuation"), "Punctuation: is not supported"},
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
