// Instructions about the response as a whole: its language, case, start and end, commas, the
// repeated prompt, two responses.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"

#include "data/status_macros.h"
#include "reward/instructions/capital_words.h"
#include "reward/instructions/instruction_kind.h"
#include "reward/style/characters.h"
#include "reward/style/language_detector.h"

namespace grpo {
namespace {

// The reference program counts a text whose language it cannot tell as followed.
bool IsIn(const LanguageProfile& language, absl::string_view response) {
  const LanguageProfile* const found = DetectLanguage(response);
  return found == nullptr || found == &language;
}

absl::StatusOr<InstructionCheck> MakeResponseLanguage(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string name, arguments.Text("language"));
  const LanguageProfile* const language = FindLanguage(name);
  if (language == nullptr) {
    return arguments.Wrong(
        "language",
        absl::StrCat("one of ", absl::StrJoin(LanguageProfiles(), ", ",
                                              [](std::string* out, const LanguageProfile& known) {
                                                absl::StrAppend(out, known.code);
                                              })));
  }
  return InstructionCheck(
      [language](absl::string_view response) { return IsIn(*language, response); });
}

absl::StatusOr<InstructionCheck> MakeEnglishCapital(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    return IsAllUpper(response) && IsIn(*FindLanguage("en"), response);
  });
}

absl::StatusOr<InstructionCheck> MakeEnglishLowercase(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    return IsAllLower(response) && IsIn(*FindLanguage("en"), response);
  });
}

absl::StatusOr<InstructionCheck> MakeCapitalWords(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const Comparison comparison,
                   ReadComparison(arguments, "capital_relation", "capital_frequency"));
  return InstructionCheck([comparison](absl::string_view response) {
    return comparison.Holds(CountCapitalWords(response));
  });
}

absl::StatusOr<InstructionCheck> MakeNoComma(const InstructionArguments&) {
  return InstructionCheck(
      [](absl::string_view response) { return !absl::StrContains(response, ','); });
}

absl::StatusOr<InstructionCheck> MakeQuotation(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    absl::string_view text = StripSpace(response);
    return text.size() > 1 && absl::ConsumePrefix(&text, "\"") && absl::EndsWith(text, "\"");
  });
}

absl::StatusOr<InstructionCheck> MakeEndPhrase(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string phrase, arguments.Text("end_phrase"));
  return InstructionCheck([end = Lower(StripSpace(phrase))](absl::string_view response) {
    absl::string_view text = StripSpace(response);
    while (absl::ConsumePrefix(&text, "\"")) {
    }
    while (absl::ConsumeSuffix(&text, "\"")) {
    }
    return absl::EndsWith(Lower(text), end);
  });
}

absl::StatusOr<InstructionCheck> MakeRepeatPrompt(const InstructionArguments& arguments) {
  ASSIGN_OR_RETURN(const std::string prompt, arguments.Text("prompt_to_repeat"));
  return InstructionCheck([start = Lower(StripSpace(prompt))](absl::string_view response) {
    return absl::StartsWith(Lower(StripSpace(response)), start);
  });
}

// Two different texts with ****** between them; a blank one is a fault except at the ends.
absl::StatusOr<InstructionCheck> MakeTwoResponses(const InstructionArguments&) {
  return InstructionCheck([](absl::string_view response) {
    const std::vector<absl::string_view> pieces = absl::StrSplit(response, "******");
    std::vector<absl::string_view> responses;
    for (size_t i = 0; i < pieces.size(); ++i) {
      if (!IsBlank(pieces[i])) {
        responses.push_back(StripSpace(pieces[i]));
      } else if (i != 0 && i + 1 != pieces.size()) {
        return false;
      }
    }
    return responses.size() == 2 && responses[0] != responses[1];
  });
}

}  // namespace

std::vector<InstructionKind> ResponseInstructions() {
  return {
      {"change_case:capital_word_frequency",
       {"capital_frequency", "capital_relation"},
       MakeCapitalWords},
      {"change_case:english_capital", {}, MakeEnglishCapital},
      {"change_case:english_lowercase", {}, MakeEnglishLowercase},
      {"combination:repeat_prompt", {"prompt_to_repeat"}, MakeRepeatPrompt},
      {"combination:two_responses", {}, MakeTwoResponses},
      {"language:response_language", {"language"}, MakeResponseLanguage},
      {"punctuation:no_comma", {}, MakeNoComma},
      {"startend:end_checker", {"end_phrase"}, MakeEndPhrase},
      {"startend:quotation", {}, MakeQuotation},
  };
}

}  // namespace grpo
