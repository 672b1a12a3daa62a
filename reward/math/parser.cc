#include "reward/math/parser.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "reward/math/expression_parser.h"
#include "reward/math/lexer.h"

namespace grpo {
namespace {

// Without what may surround an answer and changes nothing: white space, quotes, bold marks, a full
// stop or comma at the end.
absl::string_view Trimmed(absl::string_view text) {
  while (true) {
    const size_t size = text.size();
    text = absl::StripAsciiWhitespace(text);
    for (const absl::string_view mark : {"**", "\"", "`"}) {
      if (text.size() >= 2 * mark.size() && absl::StartsWith(text, mark) &&
          absl::EndsWith(text, mark)) {
        text = text.substr(mark.size(), text.size() - 2 * mark.size());
      }
    }
    if (absl::EndsWith(text, ".") || absl::EndsWith(text, ",") || absl::EndsWith(text, ";") ||
        absl::EndsWith(text, ":")) {
      if (!absl::EndsWith(text, "\\.") && !absl::EndsWith(text, "\\,") &&
          !absl::EndsWith(text, "\\;") && !absl::EndsWith(text, "\\:")) {
        text.remove_suffix(1);
      } else {
        text.remove_suffix(2);
      }
    }
    if (text.size() == size) return text;
  }
}

std::string WithoutSpaces(absl::string_view text) {
  std::string result;
  for (const char c : text) {
    if (c != ' ') result += c;
  }
  return result;
}

bool IsChoiceLetter(absl::string_view text) {
  return text.size() == 1 && text[0] >= 'A' && text[0] <= 'J';
}

bool Is(const Token& token, absl::string_view symbol) {
  return token.type == TokenType::kSymbol && token.text == symbol;
}

// "(B) 12", "B) 12", "B. 12", "(B)": an option with what it says.
absl::optional<Answer> ReadChoice(const std::vector<Token>& tokens) {
  const size_t letter = Is(tokens[0], "(") ? 1 : 0;
  if (tokens.size() < letter + 2 || !IsChoiceLetter(tokens[letter].text)) return absl::nullopt;
  const Token& close = tokens[letter + 1];
  const bool closed = Is(close, ")") || (letter == 0 && Is(close, "."));
  if (!closed) return absl::nullopt;
  Answer choice = MakeForm(AnswerForm::kChoice, {}, tokens[letter].text);
  std::vector<Token> rest(tokens.begin() + letter + 2, tokens.end());
  if (rest.size() > 1) {
    // "(A)(B)" and "(A) + 3" are no options.
    if (!rest[0].space_before && !rest[0].in_text) return absl::nullopt;
    if (rest[0].type == TokenType::kSymbol && !Is(rest[0], "(")) return absl::nullopt;
    absl::optional<Answer> content = ParseTokens(rest);
    if (content.has_value()) choice.parts.push_back(*std::move(content));
  }
  return choice;
}

// Words, with the numbers and signs among them, as one text.
absl::optional<Answer> ReadText(const std::vector<Token>& tokens) {
  std::string text;
  bool has_word = false;
  for (const Token& token : tokens) {
    if (token.type == TokenType::kEnd) break;
    has_word = has_word || (token.type == TokenType::kWord);
    if (!text.empty() && token.space_before) text += ' ';
    text += absl::AsciiStrToLower(token.text);
  }
  if (!has_word) return absl::nullopt;
  return MakeForm(AnswerForm::kText, {}, std::move(text));
}

// A single word or letter is a text as well as a variable: \text{e}, Evelyn.
absl::optional<Answer> Read(const std::vector<Token>& tokens) {
  if (tokens.size() <= 1) return absl::nullopt;
  if (absl::optional<Answer> choice = ReadChoice(tokens)) return choice;
  absl::optional<Answer> answer = ParseTokens(tokens);
  return answer.has_value() ? answer : ReadText(tokens);
}

bool TooLongNumber(absl::string_view text) {
  size_t digits = 0;
  for (const char c : text) {
    digits = absl::ascii_isdigit(c) ? digits + 1 : 0;
    if (digits > kMaxNumberDigits) return true;
  }
  return false;
}

// A run of digits is what most answers are.
bool IsPlainInteger(absl::string_view text) {
  if (absl::StartsWith(text, "-")) text.remove_prefix(1);
  if (text.empty() || text.size() > 18) return false;
  return std::all_of(text.begin(), text.end(), [](char c) { return absl::ascii_isdigit(c); });
}

}  // namespace

ParsedAnswer ParseAnswer(absl::string_view text) {
  ParsedAnswer parsed;
  if (text.size() > kMaxRawMathBytes) return parsed;
  text = Trimmed(text);
  if (IsPlainInteger(text)) {
    parsed.text = std::string(text);
    const bool negative = absl::ConsumePrefix(&text, "-");
    Answer number = MakeNumber(std::string(text));
    parsed.readings.push_back(negative ? MakeScalar(Op::kNegate, {std::move(number)})
                                       : std::move(number));
    return parsed;
  }
  const std::string normalized = NormalizeMath(text);
  const absl::string_view trimmed = Trimmed(normalized);
  if (normalized.size() > kMaxMathBytes || TooLongNumber(trimmed)) return parsed;
  parsed.text = WithoutSpaces(trimmed);
  const auto add = [&](CommaReading commas) {
    if (absl::optional<Answer> answer = Read(Tokenize(trimmed, commas))) {
      parsed.readings.push_back(*std::move(answer));
    }
  };
  add(CommaReading::kThousands);
  if (HasAmbiguousComma(trimmed)) {
    add(CommaReading::kSeparator);
    // "1,234" is never a decimal fraction: too many people write a thousand so.
    if (parsed.readings.empty() || parsed.readings.front().form == AnswerForm::kList) {
      add(CommaReading::kDecimal);
    }
  }
  return parsed;
}

}  // namespace grpo
