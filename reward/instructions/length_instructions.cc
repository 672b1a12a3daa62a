// length_constraints:*: how many words, sentences and paragraphs.

#include "absl/strings/str_split.h"

#include "data/status_macros.h"
#include "reward/instructions/instruction_kind.h"
#include "reward/instructions/sentences.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

absl::StatusOr<InstructionCheck> MakeNumberWords(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const Comparison comparison, ReadComparison(arguments, "relation", "num_words"));
  return InstructionCheck(
      [comparison](absl::string_view response) { return comparison.Holds(CountWords(response)); });
}

absl::StatusOr<InstructionCheck> MakeNumberSentences(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const Comparison comparison,
                   ReadComparison(arguments, "relation", "num_sentences"));
  return InstructionCheck([comparison](absl::string_view response) {
    return comparison.Holds(CountSentences(response));
  });
}

// Paragraphs stand between the dividers ***. An empty one counts for nothing at the start and the
// end and is a fault elsewhere.
absl::StatusOr<InstructionCheck> MakeNumberParagraphs(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_paragraphs"));
  return InstructionCheck([wanted](absl::string_view response) {
    const std::vector<absl::string_view> paragraphs = absl::StrSplit(response, "***");
    int64_t count = 0;
    for (size_t i = 0; i < paragraphs.size(); ++i) {
      if (!IsBlank(paragraphs[i])) {
        ++count;
      } else if (i != 0 && i + 1 != paragraphs.size()) {
        return false;
      }
    }
    return count == wanted;
  });
}

// The first word of a paragraph that is not blank, in lower case: without quotes before it, up to a
// punctuation mark.
std::string FirstWord(absl::string_view paragraph) {
  paragraph = StripSpace(paragraph);
  size_t end = paragraph.size();
  ForEachCharacter(paragraph, [&](char32_t character, size_t begin, size_t) {
    if (IsSpace(character) && begin < end) end = begin;
  });
  absl::string_view word = paragraph.substr(0, end);
  while (!word.empty() && word[0] == '\'') word.remove_prefix(1);
  while (!word.empty() && word[0] == '"') word.remove_prefix(1);
  return Lower(word.substr(0, word.find_first_of(".,?!'\"")));
}

// Paragraphs stand between empty lines. The n-th is counted with blank ones, the number without.
absl::StatusOr<InstructionCheck> MakeFirstWord(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const int64_t wanted, arguments.Count("num_paragraphs"));
  ASSIGN_OR_RETURN(const int64_t nth, arguments.Count("nth_paragraph"));
  ASSIGN_OR_RETURN(const std::string first_word, arguments.Text("first_word"));
  if (nth < 1 || nth > wanted) {
    return arguments.Wrong("nth_paragraph", "a number from 1 to num_paragraphs");
  }
  return InstructionCheck([wanted, nth, word = Lower(first_word)](absl::string_view response) {
    const std::vector<absl::string_view> paragraphs = absl::StrSplit(response, "\n\n");
    int64_t count = 0;
    for (const absl::string_view paragraph : paragraphs) count += IsBlank(paragraph) ? 0 : 1;
    if (count != wanted) return false;
    const absl::string_view paragraph = paragraphs[nth - 1];
    return !IsBlank(paragraph) && FirstWord(paragraph) == word;
  });
}

}  // namespace

std::vector<InstructionKind> LengthInstructions() {
  return {
      {"length_constraints:nth_paragraph_first_word",
       {"num_paragraphs", "nth_paragraph", "first_word"},
       MakeFirstWord},
      {"length_constraints:number_paragraphs", {"num_paragraphs"}, MakeNumberParagraphs},
      {"length_constraints:number_sentences", {"num_sentences", "relation"}, MakeNumberSentences},
      {"length_constraints:number_words", {"num_words", "relation"}, MakeNumberWords},
  };
}

}  // namespace grpo
