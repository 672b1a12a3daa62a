// keywords:*: words that must or must not occur, and how often.

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"

#include "data/regex.h"
#include "data/status_macros.h"
#include "reward/instructions/instruction_kind.h"
#include "reward/style/characters.h"

namespace grpo {
namespace {

std::string Escape(absl::string_view text) {
  std::string escaped;
  for (const char c : text) {
    if (absl::ascii_ispunct(static_cast<unsigned char>(c))) escaped.push_back('\\');
    escaped.push_back(c);
  }
  return escaped;
}

// The reference program takes keywords for regular expressions without regard to case. One that is
// none ("C++") stands for itself.
absl::StatusOr<Regex> KeywordRegex(const std::string& keyword, absl::string_view border = "") {
  const auto pattern = [&](absl::string_view inside) {
    return absl::StrCat("(?i)", border, inside, border);
  };
  absl::StatusOr<Regex> regex = Regex::Compile(pattern(keyword));
  if (regex.ok()) return regex;
  return Regex::Compile(pattern(Escape(keyword)));
}

absl::StatusOr<std::vector<Regex>> KeywordRegexes(const std::vector<std::string>& keywords,
                                                  absl::string_view border = "") {
  std::vector<Regex> regexes;
  for (const std::string& keyword : keywords) {
    ASSIGN_OR_RETURN(Regex regex, KeywordRegex(keyword, border));
    regexes.push_back(std::move(regex));
  }
  return regexes;
}

absl::StatusOr<InstructionCheck> MakeExistence(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<std::string> keywords, arguments.Texts("keywords"));
  ASSIGN_OR_RETURN(std::vector<Regex> regexes, KeywordRegexes(keywords));
  return InstructionCheck([regexes = std::move(regexes)](absl::string_view response) {
    for (const Regex& regex : regexes) {
      if (regex.FindAll(response).empty()) return false;
    }
    return true;
  });
}

absl::StatusOr<InstructionCheck> MakeForbiddenWords(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, arguments.Texts("forbidden_words"));
  ASSIGN_OR_RETURN(std::vector<Regex> regexes, KeywordRegexes(words, "\\b"));
  return InstructionCheck([regexes = std::move(regexes)](absl::string_view response) {
    for (const Regex& regex : regexes) {
      if (!regex.FindAll(response).empty()) return false;
    }
    return true;
  });
}

absl::StatusOr<InstructionCheck> MakeFrequency(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string keyword, arguments.Text("keyword"));
  ASSIGN_OR_RETURN(const Comparison comparison, ReadComparison(arguments, "relation", "frequency"));
  ASSIGN_OR_RETURN(Regex regex, KeywordRegex(std::string(StripSpace(keyword))));
  return InstructionCheck([regex = std::move(regex), comparison](absl::string_view response) {
    return comparison.Holds(regex.FindAll(response).size());
  });
}

// Any one character may be counted. (The reference program of 2023 drew another letter at random
// where the character was not from a to z.)
absl::StatusOr<InstructionCheck> MakeLetterFrequency(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string text, arguments.Text("letter"));
  ASSIGN_OR_RETURN(const Comparison comparison,
                   ReadComparison(arguments, "let_relation", "let_frequency"));
  const std::string letter = Lower(StripSpace(text));
  if (Utf8CharacterSize(letter) != letter.size()) return arguments.Wrong("letter", "one character");
  return InstructionCheck([letter, comparison](absl::string_view response) {
    const std::string lower = Lower(response);
    size_t count = 0;
    for (size_t at = lower.find(letter); at != std::string::npos; at = lower.find(letter, at + 1)) {
      ++count;
    }
    return comparison.Holds(count);
  });
}

}  // namespace

std::vector<InstructionKind> KeywordInstructions() {
  return {
      {"keywords:existence", {"keywords"}, MakeExistence},
      {"keywords:forbidden_words", {"forbidden_words"}, MakeForbiddenWords},
      {"keywords:frequency", {"keyword", "frequency", "relation"}, MakeFrequency},
      {"keywords:letter_frequency",
       {"letter", "let_frequency", "let_relation"},
       MakeLetterFrequency},
  };
}

}  // namespace grpo
