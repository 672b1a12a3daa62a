#include "reward/instructions/instructions.h"

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "reward/instructions/instruction.h"

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

RewardResult Judge(const std::string& metadata, const std::string& completion,
                   const std::string& mode = "strict", const std::string& score = "all") {
  InstructionsOptions options;
  options.mode = mode;
  options.score = score;
  Prompt prompt;
  prompt.name = "test/1";
  prompt.metadata_json = metadata;
  return NewInstructions(options)->Score({prompt, completion, 0, 0, FinishReason::kStop},
                                         Deadline::Never());
}

constexpr char kTwo[] =
    R"({"instruction_id_list": ["punctuation:no_comma", "length_constraints:number_words"],
        "kwargs": [{}, {"relation": "at least", "num_words": 3}]})";

TEST(InstructionsTest, ScoresOneWhereAllAreFollowed) {
  const RewardResult result = Judge(kTwo, "one two three");
  EXPECT_EQ(result.score, 1);
  EXPECT_THAT(result.parts, ElementsAre(Pair("punctuation:no_comma", 1),
                                        Pair("length_constraints:number_words", 1)));
}

TEST(InstructionsTest, NamesWhatIsNotFollowed) {
  const RewardResult result = Judge(kTwo, "one, two three");
  EXPECT_EQ(result.score, 0);
  EXPECT_EQ(result.reason, "not followed: punctuation:no_comma");
  EXPECT_THAT(result.parts, ElementsAre(Pair("punctuation:no_comma", 0),
                                        Pair("length_constraints:number_words", 1)));
}

TEST(InstructionsTest, CanScoreTheShareFollowed) {
  EXPECT_EQ(Judge(kTwo, "one, two three", "strict", "share").score, 0.5);
  EXPECT_EQ(Judge(kTwo, "one, two", "strict", "share").score, 0);
}

TEST(InstructionsTest, ReadsAListOfObjects) {
  for (const char* metadata :
       {R"({"instructions": [{"id": "keywords:existence", "keywords": ["x"]}]})",
        R"({"instructions": [{"id": "keywords:existence", "kwargs": {"keywords": ["x"]}}]})",
        R"({"instructions": {"instruction_id_list": ["keywords:existence"],
                             "kwargs": [{"keywords": ["x"]}]}})"}) {
    EXPECT_EQ(Judge(metadata, "x").score, 1) << metadata;
    EXPECT_EQ(Judge(metadata, "y").score, 0) << metadata;
  }
}

TEST(InstructionsTest, NumbersInstructionsOfOneKind) {
  const RewardResult result = Judge(R"({"instructions": [
      {"id": "keywords:existence", "keywords": ["x"]},
      {"id": "keywords:existence", "keywords": ["y"]}]})",
                                    "y");
  EXPECT_THAT(result.parts,
              ElementsAre(Pair("keywords:existence", 0), Pair("keywords:existence#2", 1)));
}

TEST(InstructionsTest, LooseModeForgivesAFirstLineALastLineAndAsterisks) {
  const std::string quoted = R"({"instruction_id_list": ["startend:quotation"]})";
  for (const char* completion : {"\"a\"", "Sure!\n\"a\"", "\"a\"\nBye", "Sure!\n\"a\"\nBye",
                                 "*\"a\"*", "Sure!\n**\"a\"**\nBye"}) {
    EXPECT_EQ(Judge(quoted, completion, "loose").score, 1) << completion;
  }
  EXPECT_EQ(Judge(quoted, "Sure!\n\"a\"", "strict").score, 0);
  EXPECT_EQ(Judge(quoted, "Sure!\nYes!\n\"a\"", "loose").score, 0);
}

TEST(InstructionsTest, LooseModeNeverJudgesABlankVariant) {
  // Without its only line nothing is left, which has no comma.
  const std::string no_comma = R"({"instruction_id_list": ["punctuation:no_comma"]})";
  EXPECT_EQ(Judge(no_comma, "a, b", "loose").score, 0);
  EXPECT_EQ(Judge(no_comma, "a, b\n \n", "loose").score, 0);
}

TEST(InstructionsTest, ABlankCompletionFollowsNothing) {
  for (const char* completion : {"", " \n\t", "\u00A0\u3000"}) {
    for (const char* mode : {"strict", "loose"}) {
      EXPECT_EQ(
          Judge(R"({"instruction_id_list": ["punctuation:no_comma"]})", completion, mode).score, 0);
    }
  }
}

TEST(InstructionsTest, WhatCannotBeReadIsInvalidNotZero) {
  for (const auto& [metadata, reason] : std::vector<std::pair<std::string, std::string>>{
           {"", "no instructions"},
           {"{}", "no instructions"},
           {"[]", "expected an object"},
           {"{", "test/1"},
           {R"({"instruction_id_list": "a:b"})", "unknown instruction"},
           {R"({"instruction_id_list": ["a:b"], "kwargs": [{}]})", "known are change_case"},
           {R"({"instruction_id_list": ["punctuation:no_comma"], "kwargs": []})", "kwargs"},
           {R"({"instruction_id_list": [1]})", "instruction_id_list"},
           {R"({"instructions": [{"keywords": ["x"]}]})", "\"id\""},
           {R"({"instructions": [{"id": "keywords:existence"}]})", "keywords"}}) {
    const RewardResult result = Judge(metadata, "text");
    EXPECT_EQ(result.state, RewardState::kInvalid) << metadata;
    EXPECT_THAT(result.reason, HasSubstr(reason));
  }
}

// Every kind at once, so that none is forgotten.
std::string AllKinds() {
  const std::string comparison = R"("relation": "at least", )";
  return absl::StrCat(R"({"instructions": [
    {"id": "change_case:capital_word_frequency", "capital_relation": "at least",
     "capital_frequency": 1},
    {"id": "change_case:english_capital"}, {"id": "change_case:english_lowercase"},
    {"id": "combination:repeat_prompt", "prompt_to_repeat": "a"},
    {"id": "combination:two_responses"},
    {"id": "detectable_content:number_placeholders", "num_placeholders": 1},
    {"id": "detectable_content:postscript", "postscript_marker": "P.S."},
    {"id": "detectable_format:constrained_response"}, {"id": "detectable_format:json_format"},
    {"id": "detectable_format:multiple_sections", "section_spliter": "S", "num_sections": 1},
    {"id": "detectable_format:number_bullet_lists", "num_bullets": 1},
    {"id": "detectable_format:number_highlighted_sections", "num_highlights": 1},
    {"id": "detectable_format:title"}, {"id": "keywords:existence", "keywords": ["b"]},
    {"id": "keywords:forbidden_words", "forbidden_words": ["b"]},
    {"id": "keywords:frequency", )",
                      comparison, R"("keyword": "b", "frequency": 1},
    {"id": "keywords:letter_frequency", "let_relation": "at least", "let_frequency": 1,
     "letter": "b"},
    {"id": "language:response_language", "language": "en"},
    {"id": "length_constraints:nth_paragraph_first_word", "num_paragraphs": 1, "nth_paragraph": 1,
     "first_word": "b"},
    {"id": "length_constraints:number_paragraphs", "num_paragraphs": 1},
    {"id": "length_constraints:number_sentences", )",
                      comparison, R"("num_sentences": 1},
    {"id": "length_constraints:number_words", )",
                      comparison, R"("num_words": 1},
    {"id": "punctuation:no_comma"}, {"id": "startend:end_checker", "end_phrase": "b"},
    {"id": "startend:quotation"}]})");
}

std::string Repeat(const std::string& part, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += part;
  return text;
}

TEST(InstructionsTest, JudgesAMegabyteOfAnythingInLinearTime) {
  ASSERT_EQ(Judge(AllKinds(), "b").parts.size(), InstructionIds().size());
  for (const std::string& part : std::vector<std::string>{
           " ",       "\n",     "a",   "\xFF", "*",    "**", "* ",    "\n*",      "-\n",
           "***\n",   "******", "[",   "]",    "[]",   "<<", ">>",    "<<\n",     ".",
           ". ",      "...",    "A. ", "?!",   "\"",   "'",  "' ",    "\u0301",   "\U0001F600",
           "{\"a\":", "[\n",    "p.",  "S1",   "the ", "漢", "b\n\n", "\xE2\x80", "\t\n"}) {
    const absl::Time start = absl::Now();
    EXPECT_EQ(Judge(AllKinds(), "b" + Repeat(part, 1 << 20)).state, RewardState::kScored);
    EXPECT_EQ(Judge(AllKinds(), "b" + Repeat(part, 1 << 17), "loose").state, RewardState::kScored);
    // Linear work takes about a second; quadratic work takes hours.
    EXPECT_LT(absl::Now() - start, absl::Seconds(60)) << "'" << part << "'";
  }
}

}  // namespace
}  // namespace grpo
