// Completions and records of any bytes: the instructions and the style checkers neither crash nor
// hang. The input is a record's metadata, a line end, and a completion; where the first line is
// empty, the metadata is one of every instruction.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "data/check.h"
#include "reward/instructions/instructions.h"
#include "reward/style/format.h"
#include "reward/style/language.h"
#include "reward/style/phrases.h"
#include "reward/style/repetition.h"

namespace grpo {
namespace {

constexpr char kRecord[] = R"({"language": "de", "required_phrases": ["a b"], "instructions": [
    {"id": "change_case:capital_word_frequency", "capital_relation": "at least",
     "capital_frequency": 1},
    {"id": "change_case:english_capital"}, {"id": "combination:two_responses"},
    {"id": "detectable_content:number_placeholders", "num_placeholders": 1},
    {"id": "detectable_content:postscript", "postscript_marker": "P.P.S"},
    {"id": "detectable_format:json_format"}, {"id": "detectable_format:title"},
    {"id": "detectable_format:multiple_sections", "section_spliter": "S", "num_sections": 1},
    {"id": "detectable_format:number_bullet_lists", "num_bullets": 1},
    {"id": "detectable_format:number_highlighted_sections", "num_highlights": 1},
    {"id": "keywords:forbidden_words", "forbidden_words": ["b"]},
    {"id": "keywords:letter_frequency", "let_relation": "at least", "let_frequency": 1,
     "letter": "b"},
    {"id": "length_constraints:nth_paragraph_first_word", "num_paragraphs": 1, "nth_paragraph": 1,
     "first_word": "b"},
    {"id": "length_constraints:number_paragraphs", "num_paragraphs": 1},
    {"id": "length_constraints:number_sentences", "relation": "at least", "num_sentences": 1},
    {"id": "length_constraints:number_words", "relation": "at least", "num_words": 1},
    {"id": "startend:end_checker", "end_phrase": "b"}, {"id": "startend:quotation"}]})";

void Judge(const std::string& metadata, const std::string& completion) {
  Prompt prompt;
  prompt.text = completion;
  prompt.metadata_json = metadata;
  InstructionsOptions loose;
  loose.mode = "loose";
  RepetitionOptions characters;
  characters.unit = "characters";
  std::unique_ptr<Reward> rewards[] = {
      NewInstructions({}), NewInstructions(loose), *NewLanguage({}),         NewPhrases({}),
      *NewFormat({}),      NewRepetition({}),      NewRepetition(characters)};
  for (const std::unique_ptr<Reward>& reward : rewards) {
    const RewardResult result =
        reward->Score({prompt, completion, 0, 0, FinishReason::kStop}, Deadline::Never());
    GRPO_CHECK(result.state != RewardState::kError);
    GRPO_CHECK(result.score >= -1 && result.score <= 1);
  }
}

}  // namespace
}  // namespace grpo

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string input(reinterpret_cast<const char*>(data), size);
  const size_t line = input.find('\n');
  const std::string metadata = line == std::string::npos ? "" : input.substr(0, line);
  grpo::Judge(metadata.empty() ? grpo::kRecord : metadata,
              line == std::string::npos ? input : input.substr(line + 1));
  return 0;
}
