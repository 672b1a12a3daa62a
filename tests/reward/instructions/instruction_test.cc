#include "reward/instructions/instruction.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Whether the response follows; a failure where the instruction cannot be made.
bool Follows(const std::string& id, const std::string& arguments, const std::string& response) {
  const auto check = MakeInstruction(id, nlohmann::json::parse(arguments));
  EXPECT_TRUE(check.ok()) << check.status();
  return check.ok() && (*check)(response);
}

std::string Refusal(const std::string& id, const std::string& arguments) {
  const auto check = MakeInstruction(id, nlohmann::json::parse(arguments));
  return check.ok() ? "made" : std::string(check.status().message());
}

TEST(InstructionTest, KnowsThe25KindsOfIfEval) {
  EXPECT_THAT(
      InstructionIds(),
      ElementsAre(
          "change_case:capital_word_frequency", "change_case:english_capital",
          "change_case:english_lowercase", "combination:repeat_prompt", "combination:two_responses",
          "detectable_content:number_placeholders", "detectable_content:postscript",
          "detectable_format:constrained_response", "detectable_format:json_format",
          "detectable_format:multiple_sections", "detectable_format:number_bullet_lists",
          "detectable_format:number_highlighted_sections", "detectable_format:title",
          "keywords:existence", "keywords:forbidden_words", "keywords:frequency",
          "keywords:letter_frequency", "language:response_language",
          "length_constraints:nth_paragraph_first_word", "length_constraints:number_paragraphs",
          "length_constraints:number_sentences", "length_constraints:number_words",
          "punctuation:no_comma", "startend:end_checker", "startend:quotation"));
}

TEST(InstructionTest, NamesAnUnknownIdAndTheKnownOnes) {
  EXPECT_THAT(Refusal("keywords:existance", "{}"),
              AllOf(HasSubstr("keywords:existance"), HasSubstr("keywords:existence"),
                    HasSubstr("startend:quotation")));
}

TEST(InstructionTest, NamesWrongArguments) {
  EXPECT_THAT(Refusal("length_constraints:number_words", "{}"), HasSubstr("relation: expected"));
  EXPECT_THAT(
      Refusal("length_constraints:number_words", R"({"relation": "at most", "num_words": 3})"),
      HasSubstr("\"less than\""));
  EXPECT_THAT(
      Refusal("length_constraints:number_words", R"({"relation": "at least", "num_words": 3.5})"),
      HasSubstr("num_words: expected an integer"));
  EXPECT_THAT(
      Refusal("length_constraints:number_words", R"({"relation": "at least", "num_words": -1})"),
      HasSubstr("num_words"));
  EXPECT_THAT(Refusal("punctuation:no_comma", R"({"commas": 0})"), HasSubstr("commas"));
  EXPECT_THAT(Refusal("punctuation:no_comma", "[]"), HasSubstr("expected an object"));
  EXPECT_THAT(Refusal("keywords:existence", R"({"keywords": []})"), HasSubstr("keywords"));
  EXPECT_THAT(Refusal("keywords:existence", R"({"keywords": ["a", 1]})"), HasSubstr("keywords"));
  EXPECT_THAT(Refusal("keywords:letter_frequency",
                      R"({"letter": "ab", "let_relation": "at least", "let_frequency": 1})"),
              HasSubstr("one character"));
  EXPECT_THAT(Refusal("length_constraints:nth_paragraph_first_word",
                      R"({"num_paragraphs": 2, "nth_paragraph": 3, "first_word": "a"})"),
              HasSubstr("nth_paragraph"));
  EXPECT_THAT(Refusal("language:response_language", R"({"language": "xx"})"),
              HasSubstr("expected one of en, "));
  EXPECT_THAT(Refusal("detectable_format:multiple_sections",
                      R"({"section_spliter": "(", "num_sections": 1})"),
              HasSubstr("section_spliter"));
}

TEST(InstructionTest, TakesNullForAbsentAndWholeFloatsForIntegers) {
  EXPECT_TRUE(Follows("punctuation:no_comma", R"({"num_words": null, "relation": null})", "a"));
  EXPECT_TRUE(Follows("length_constraints:number_words",
                      R"({"relation": "at least", "num_words": 2.0})", "a b"));
}

TEST(InstructionTest, FindsKeywordsWithoutCaseAndInsideWords) {
  const std::string arguments = R"({"keywords": ["Cat", "dog"]})";
  EXPECT_TRUE(Follows("keywords:existence", arguments, "Hotdogs and CATS"));
  EXPECT_FALSE(Follows("keywords:existence", arguments, "only a cat"));
  EXPECT_TRUE(Follows("keywords:existence", R"({"keywords": ["ÄPFEL"]})", "viele äpfel"));
  EXPECT_TRUE(Follows("keywords:existence", R"({"keywords": ["c++"]})", "I like C++."));
}

TEST(InstructionTest, ForbidsWholeWordsOnly) {
  const std::string arguments = R"({"forbidden_words": ["nickname"]})";
  EXPECT_FALSE(Follows("keywords:forbidden_words", arguments, "My Nickname is Al."));
  EXPECT_TRUE(Follows("keywords:forbidden_words", arguments, "Nicknames are fun."));
}

TEST(InstructionTest, CountsKeywordsAndLetters) {
  EXPECT_TRUE(Follows("keywords:frequency",
                      R"({"keyword": " the ", "relation": "at least", "frequency": 3})",
                      "The other then"));
  EXPECT_FALSE(Follows("keywords:frequency",
                       R"({"keyword": "the", "relation": "less than", "frequency": 3})",
                       "The other then"));
  const std::string letters = R"({"letter": "E", "let_relation": "less than", "let_frequency": 3})";
  EXPECT_TRUE(Follows("keywords:letter_frequency", letters, "Ee"));
  EXPECT_FALSE(Follows("keywords:letter_frequency", letters, "EeE"));
  EXPECT_TRUE(Follows("keywords:letter_frequency",
                      R"({"letter": "#", "let_relation": "at least", "let_frequency": 2})", "# #"));
}

TEST(InstructionTest, CountsWordsAsRunsOfLettersAndDigits) {
  const std::string three = R"({"relation": "at least", "num_words": 3})";
  EXPECT_TRUE(Follows("length_constraints:number_words", three, "don't stop"));  // don t stop
  EXPECT_TRUE(Follows("length_constraints:number_words", three, "well-known 42"));
  EXPECT_FALSE(Follows("length_constraints:number_words", three, "snake_case -- words!"));
  EXPECT_FALSE(Follows("length_constraints:number_words",
                       R"({"relation": "less than", "num_words": 2})", "a b"));
}

TEST(InstructionTest, CountsParagraphsBetweenDividers) {
  const std::string two = R"({"num_paragraphs": 2})";
  EXPECT_TRUE(Follows("length_constraints:number_paragraphs", two, "a\n***\nb"));
  EXPECT_TRUE(Follows("length_constraints:number_paragraphs", two, "***a***b***\n"));
  EXPECT_FALSE(Follows("length_constraints:number_paragraphs", two, "a\n***\n***\nb"));
  EXPECT_FALSE(Follows("length_constraints:number_paragraphs", two, "a\n\nb"));
}

TEST(InstructionTest, ReadsTheFirstWordOfAParagraph) {
  const std::string id = "length_constraints:nth_paragraph_first_word";
  const std::string arguments = R"({"num_paragraphs": 2, "nth_paragraph": 2, "first_word": "Yes"})";
  EXPECT_TRUE(Follows(id, arguments, "a\n\n  'YES! and more"));
  EXPECT_TRUE(Follows(id, arguments, "a\n\n'\"yes's x"));
  EXPECT_FALSE(Follows(id, arguments, "a\n\nyesterday"));
  EXPECT_FALSE(Follows(id, arguments, "a\n\nyes\n\nb"));
  // Blank paragraphs do not count but keep their place.
  EXPECT_FALSE(Follows(id, arguments, "a\n\n\n\nyes"));
}

TEST(InstructionTest, CountsBulletsOfBothKinds) {
  const std::string two = R"({"num_bullets": 2})", one = R"({"num_bullets": 1})";
  const std::string id = "detectable_format:number_bullet_lists";
  EXPECT_TRUE(Follows(id, two, "* a\n  - b\nc"));
  EXPECT_TRUE(Follows(id, two, "* a\n\n\n* b"));
  EXPECT_FALSE(Follows(id, two, "* a\n* b\n* c"));
  EXPECT_TRUE(Follows(id, one, "**bold**\n* a"));
  EXPECT_TRUE(Follows(id, one, "*\n* a"));  // an empty item takes the next line with it
  EXPECT_FALSE(Follows(id, one, "a * b - c"));
}

TEST(InstructionTest, CountsHighlights) {
  const std::string id = "detectable_format:number_highlighted_sections";
  const std::string two = R"({"num_highlights": 2})";
  EXPECT_TRUE(Follows(id, two, "*a* and *b c*"));
  EXPECT_TRUE(Follows(id, two, "**a** and *b*"));
  EXPECT_FALSE(Follows(id, two, "**a**"));
  EXPECT_FALSE(Follows(id, two, "* a\n* b\n* c"));
  EXPECT_FALSE(Follows(id, two, "*a* b*"));  // the closing mark opens nothing
  EXPECT_FALSE(Follows(id, two, "* * ** ** ****"));
}

TEST(InstructionTest, CountsSectionsByTheirMarker) {
  const std::string id = "detectable_format:multiple_sections";
  const std::string arguments = R"({"section_spliter": "SECTION", "num_sections": 2})";
  EXPECT_TRUE(Follows(id, arguments, "SECTION 1\na\nSECTION2 b"));
  EXPECT_FALSE(Follows(id, arguments, "Section 1\na\nSECTION 2"));
  EXPECT_FALSE(Follows(id, arguments, "SECTION one SECTION 2"));
}

TEST(InstructionTest, AcceptsJsonInAFence) {
  const std::string id = "detectable_format:json_format";
  for (const char* json : {R"({"a": [1, null]})", "```json\n{\"a\": 1}\n```", "```\n[]\n```", " 3 ",
                           "\"text\"", "```JSON\n{}```"}) {
    EXPECT_TRUE(Follows(id, "{}", json)) << json;
  }
  for (const char* text :
       {"{a: 1}", "Here: {}", "{\"a\": 1,}", "```python\n{}\n```", "\xEF\xBB\xBF{}"}) {
    EXPECT_FALSE(Follows(id, "{}", text)) << text;
  }
}

TEST(InstructionTest, FindsTitlesAndPlaceholders) {
  EXPECT_TRUE(Follows("detectable_format:title", "{}", "<<poem of joy>>\ntext"));
  EXPECT_FALSE(Follows("detectable_format:title", "{}", "<< >>"));
  EXPECT_FALSE(Follows("detectable_format:title", "{}", "<<<>>>"));
  EXPECT_FALSE(Follows("detectable_format:title", "{}", "<<a\nb>>"));
  EXPECT_FALSE(Follows("detectable_format:title", "{}", "<poem>"));
  const std::string id = "detectable_content:number_placeholders";
  const std::string two = R"({"num_placeholders": 2})";
  EXPECT_TRUE(Follows(id, two, "[a] and [b]"));
  EXPECT_TRUE(Follows(id, two, "[[a]] []"));
  EXPECT_FALSE(Follows(id, two, "[a\nb] [c]"));
}

TEST(InstructionTest, FindsPostscripts) {
  const std::string id = "detectable_content:postscript";
  EXPECT_TRUE(Follows(id, R"({"postscript_marker": "P.S."})", "text\n\nP. S. more"));
  EXPECT_FALSE(Follows(id, R"({"postscript_marker": "P.S."})", "text PS more"));
  EXPECT_TRUE(Follows(id, R"({"postscript_marker": "P.P.S"})", "text\np.p.s more"));
  EXPECT_FALSE(Follows(id, R"({"postscript_marker": "P.P.S"})", "text\nP.S. more"));
  EXPECT_TRUE(Follows(id, R"({"postscript_marker": "Nota bene"})", "NOTA BENE: x"));
}

TEST(InstructionTest, AcceptsOneOfThreeAnswers) {
  const std::string id = "detectable_format:constrained_response";
  EXPECT_TRUE(Follows(id, "{}", "Well. My answer is maybe."));
  EXPECT_FALSE(Follows(id, "{}", "My answer is perhaps."));
}

TEST(InstructionTest, ChecksTheCaseOfTheWholeResponse) {
  EXPECT_TRUE(Follows("change_case:english_capital", "{}", "THIS IS ALL WE HAVE, 2 OF THEM."));
  EXPECT_FALSE(Follows("change_case:english_capital", "{}", "THIS IS ALL WE HAVe."));
  EXPECT_FALSE(Follows("change_case:english_capital", "{}", "123"));
  EXPECT_TRUE(Follows("change_case:english_lowercase", "{}", "this is all that we have."));
  EXPECT_FALSE(Follows("change_case:english_lowercase", "{}", "This is all that we have."));
  EXPECT_FALSE(Follows("change_case:english_lowercase", "{}",
                       "das ist alles, was wir haben, und mehr ist es nicht."));
  EXPECT_TRUE(Follows("change_case:capital_word_frequency",
                      R"({"capital_relation": "at least", "capital_frequency": 2})",
                      "A USA-based firm IN NY"));
}

TEST(InstructionTest, ChecksTheLanguage) {
  const std::string id = "language:response_language";
  EXPECT_TRUE(Follows(id, R"({"language": "de"})", "Das ist nicht der Fall, und wir sind froh."));
  EXPECT_FALSE(Follows(id, R"({"language": "de"})", "This is not the case, and we are glad."));
  EXPECT_TRUE(Follows(id, R"({"language": "kn"})", "ನಾನು ಕನ್ನಡ ಮಾತನಾಡುತ್ತೇನೆ"));
  EXPECT_TRUE(Follows(id, R"({"language": "kn"})", "42"));  // nothing to tell it by
}

TEST(InstructionTest, ChecksStartAndEnd) {
  EXPECT_TRUE(Follows("startend:quotation", "{}", " \"a\" "));
  EXPECT_FALSE(Follows("startend:quotation", "{}", "\""));
  EXPECT_FALSE(Follows("startend:quotation", "{}", "“a”"));
  const std::string end = R"({"end_phrase": "Any other questions? "})";
  EXPECT_TRUE(Follows("startend:end_checker", end, "\"Done. any other QUESTIONS?\"\n"));
  EXPECT_FALSE(Follows("startend:end_checker", end, "Any other questions? No."));
}

TEST(InstructionTest, ChecksCommasRepeatedPromptsAndTwoResponses) {
  EXPECT_TRUE(Follows("punctuation:no_comma", "{}", "a; b، c，d"));  // other scripts' commas pass
  EXPECT_FALSE(Follows("punctuation:no_comma", "{}", "1,000"));
  const std::string repeat = R"({"prompt_to_repeat": "Write a Poem."})";
  EXPECT_TRUE(Follows("combination:repeat_prompt", repeat, "\nwrite a poem. Roses…"));
  EXPECT_FALSE(Follows("combination:repeat_prompt", repeat, "Sure! Write a Poem."));
  EXPECT_TRUE(Follows("combination:two_responses", "{}", "a\n******\nb"));
  EXPECT_FALSE(Follows("combination:two_responses", "{}", "a\n******\n a "));
  EXPECT_FALSE(Follows("combination:two_responses", "{}", "a******b******c"));
  EXPECT_FALSE(Follows("combination:two_responses", "{}", "a******\n******b"));
}

}  // namespace
}  // namespace grpo
