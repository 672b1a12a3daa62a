#include "reward/math/extract.h"

#include <algorithm>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "reward/math/boxes.h"
#include "reward/math/parser.h"
#include "reward/reply_text.h"
#include "reward/tagged_text.h"

namespace grpo {
namespace {

constexpr size_t kNone = absl::string_view::npos;
constexpr size_t kShortText = 240;      // bytes of a completion that may be an answer as a whole
constexpr size_t kTailBytes = 4000;     // where plain answers are looked for, from the end
constexpr size_t kMaxAnswerText = 400;  // bytes of a plain answer

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

absl::optional<Extraction> FromTag(absl::string_view text) {
  const absl::optional<absl::string_view> inside = LastTagged(text, "answer");
  if (!inside) return absl::nullopt;
  return Extraction{std::string(*inside), "answer tag"};
}

absl::optional<Extraction> FromHashes(absl::string_view text) {
  const size_t hashes = FindLast("####", text);
  if (hashes == kNone) return absl::nullopt;
  absl::string_view line = text.substr(hashes + 4);
  line = absl::StripAsciiWhitespace(line.substr(0, line.find('\n')));
  if (line.empty()) return absl::nullopt;
  return Extraction{std::string(line), "####"};
}

// Words outside commands: runs of at least two letters.
int CountWords(absl::string_view text) {
  int words = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (!absl::ascii_isalpha(text[i])) continue;
    const size_t begin = i;
    while (i < text.size() && absl::ascii_isalpha(text[i])) ++i;
    if (i - begin >= 2 && (begin == 0 || text[begin - 1] != '\\')) ++words;
  }
  return words;
}

// Whether a text is mathematics as a whole, not a sentence.
bool IsMathematics(absl::string_view text) {
  if (absl::StripAsciiWhitespace(text).empty() || text.size() > kMaxAnswerText) return false;
  const ParsedAnswer parsed = ParseAnswer(text);
  if (!parsed.parsed()) return false;
  bool has_words = false;
  VisitParts(parsed.readings[0],
             [&](const Answer& part) { has_words = has_words || part.form == AnswerForm::kText; });
  return !has_words || parsed.readings[0].form == AnswerForm::kChoice;
}

// ---- "the answer is …"

// The end of the sentence that starts at 0: a line's end or a full stop with white space behind it.
size_t SentenceEnd(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n' && i > 0 && !absl::StripAsciiWhitespace(text.substr(0, i)).empty()) {
      return i;
    }
    const bool stop = text[i] == '.' || text[i] == '?';
    if (stop && (i + 1 == text.size() || absl::ascii_isspace(text[i + 1]))) return i;
    if (absl::StartsWith(text.substr(i), "。") || absl::StartsWith(text.substr(i), "<|")) return i;
  }
  return text.size();
}

// The position behind the last phrase that announces an answer; kNone where there is none.
size_t BehindCue(absl::string_view tail) {
  const std::string lower = absl::AsciiStrToLower(tail);
  size_t best = kNone;
  for (const absl::string_view cue :
       {"answer is", "answer:", "answer**:", "answer:**", "answer =", "answer：", "réponse est",
        "réponse :", "réponse:", "答案：", "答案:", "答案是", "answer is:"}) {
    const size_t found = lower.rfind(std::string(cue));
    if (found == kNone) continue;
    const size_t behind = found + cue.size();
    if (best == kNone || behind > best) best = behind;
  }
  return best;
}

struct MathSpan {
  size_t begin, end;
  absl::string_view content;
};

// The mathematics between $ $, $$ $$, \( \) and \[ \]. A $ or \( that the line does not close is
// none.
std::vector<MathSpan> MathSpans(absl::string_view text) {
  std::vector<MathSpan> spans;
  absl::string_view close;
  size_t begin = 0, content = 0;
  for (size_t i = 0; i < text.size();) {
    const absl::string_view rest = text.substr(i);
    if (!close.empty() && absl::StartsWith(rest, close)) {
      spans.push_back({begin, i + close.size(), text.substr(content, i - content)});
      i += close.size();
      close = {};
    } else if (!close.empty() && text[i] == '\n' && (close == "$" || close == "\\)")) {
      close = {};
    } else if (close.empty() &&
               (text[i] == '$' || absl::StartsWith(rest, "\\(") || absl::StartsWith(rest, "\\["))) {
      begin = i;
      close = absl::StartsWith(rest, "$$") ? "$$"
              : text[i] == '$'             ? "$"
              : rest[1] == '('             ? "\\)"
                                           : "\\]";
      i += text[i] == '$' ? close.size() : 2;
      content = i;
    } else {
      i += text[i] == '\\' && i + 1 < text.size() ? 2 : 1;
    }
  }
  return spans;
}

// ---- the last number

bool IsNumberByte(char c) { return IsDigit(c) || c == '.' || c == ',' || c == '/'; }

// A $ or \( at the end of a line that it does not close is broken; what follows is no number.
bool InBrokenMath(absl::string_view before) {
  const absl::string_view stripped = absl::StripTrailingAsciiWhitespace(before);
  if (before.substr(stripped.size()).find('\n') == kNone) return false;
  return absl::EndsWith(stripped, "\\(") ||
         (absl::EndsWith(stripped, "$") && !absl::EndsWith(stripped, "$$"));
}

// The fraction or root around a number in braces: (\frac{2}{5}) in running text.
absl::optional<MathSpan> CommandAround(absl::string_view text, size_t begin, size_t end) {
  if (begin == 0 || text[begin - 1] != '{' || end >= text.size() || text[end] != '}') {
    return absl::nullopt;
  }
  const size_t command = text.substr(0, begin).rfind('\\');
  if (command == kNone || begin - command > 60) return absl::nullopt;
  const absl::string_view part = text.substr(command, end + 1 - command);
  if (part.find(' ') != kNone || !IsMathematics(part)) return absl::nullopt;
  size_t start = command;
  if (start > 0 && text[start - 1] == '-') --start;
  return MathSpan{start, end + 1, text.substr(start, end + 1 - start)};
}

absl::optional<MathSpan> NumberEndingAt(absl::string_view text, size_t end) {
  size_t begin = end;
  while (begin > 0 && IsNumberByte(text[begin - 1])) --begin;
  while (begin < end && (text[begin] == ',' || text[begin] == '/')) ++begin;
  if (begin == end) return absl::nullopt;
  if (auto command = CommandAround(text, begin, end)) return command;
  if (begin > 0) {
    const char before = text[begin - 1];
    if (absl::ascii_isalpha(before) || before == '_' || before == '^' || before == '{' ||
        before == '\\') {
      return absl::nullopt;
    }
    if (InBrokenMath(text.substr(0, begin))) return absl::nullopt;
    const bool minus = before == '-' &&
                       (begin == 1 || text[begin - 2] == ' ' || text[begin - 2] == '(' ||
                        text[begin - 2] == '[' || text[begin - 2] == '$' || text[begin - 2] == '=');
    // "5 - 3" is a difference, "= -3" a negative number.
    if (minus) --begin;
    if (absl::EndsWith(text.substr(0, begin), "−")) begin -= 3;
  }
  size_t behind = end;
  if (behind < text.size() && text[behind] == '\\') ++behind;
  if (behind < text.size() && text[behind] == '%') end = behind + 1;
  return MathSpan{begin, end, text.substr(begin, end - begin)};
}

// The last or the first number that stands for itself.
absl::optional<MathSpan> LastNumber(absl::string_view text) {
  for (size_t end = text.size(); end > 0; --end) {
    if (!IsDigit(text[end - 1])) continue;
    if (auto number = NumberEndingAt(text, end)) return number;
    while (end > 1 && IsNumberByte(text[end - 2])) --end;
  }
  return absl::nullopt;
}

absl::optional<MathSpan> FirstNumber(absl::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    if (!IsDigit(text[i])) continue;
    size_t end = i;
    while (end < text.size() && IsNumberByte(text[end])) ++end;
    while (end > i && !IsDigit(text[end - 1])) --end;
    if (auto number = NumberEndingAt(text, end)) return number;
    i = end;
  }
  return absl::nullopt;
}

// ---- plain answers

absl::string_view BehindLastIs(absl::string_view sentence) {
  size_t best = 0;
  for (const absl::string_view word : {" is ", " are ", " be ", " equals ", "是"}) {
    const size_t found = sentence.rfind(word);
    if (found != kNone) best = std::max(best, found + word.size());
  }
  return sentence.substr(best);
}

absl::string_view WithoutMarks(absl::string_view text) {
  while (true) {
    const size_t size = text.size();
    text = absl::StripAsciiWhitespace(text);
    for (const absl::string_view mark : {"*", ":", "：", "\\\"", "\"", "_", "#"}) {
      absl::ConsumePrefix(&text, mark);
    }
    for (const absl::string_view mark : {"*", "\\\"", "\"", "<|im_end|>"}) {
      absl::ConsumeSuffix(&text, mark);
    }
    if (text.size() == size) return text;
  }
}

absl::optional<Extraction> FromCue(absl::string_view tail) {
  const size_t cue = BehindCue(tail);
  if (cue == kNone) return absl::nullopt;
  absl::string_view sentence = WithoutMarks(tail.substr(cue));
  sentence = WithoutMarks(sentence.substr(0, SentenceEnd(sentence)));
  const absl::string_view said = WithoutMarks(BehindLastIs(sentence));
  for (const absl::string_view part : {sentence, said}) {
    if (IsMathematics(part)) return Extraction{std::string(part), "announced answer"};
  }
  const std::vector<MathSpan> spans = MathSpans(said);
  if (!spans.empty() && IsMathematics(spans.front().content)) {
    return Extraction{std::string(spans.front().content), "announced answer"};
  }
  if (const auto number = FirstNumber(said)) {
    return Extraction{std::string(number->content), "announced answer"};
  }
  if (said.empty()) return absl::nullopt;
  return Extraction{std::string(said.substr(0, kMaxAnswerText)), "announced answer"};
}

// "The final answer is $10,455$" behind the last box says more than the box.
absl::optional<Extraction> FromLateAnnouncement(absl::string_view text) {
  if (text.size() > kTailBytes) text = text.substr(text.size() - kTailBytes);
  const size_t phrase = text.rfind("final answer is");
  if (phrase == kNone || text.find("box", phrase) != kNone) return absl::nullopt;
  auto answer = FromCue(text.substr(phrase));
  if (!answer.has_value() || !IsMathematics(answer->text)) return absl::nullopt;
  return answer;
}

// The last line's bold end.
absl::optional<Extraction> FromBold(absl::string_view tail) {
  tail = absl::StripTrailingAsciiWhitespace(tail);
  absl::ConsumeSuffix(&tail, ".");
  if (!absl::ConsumeSuffix(&tail, "**")) return absl::nullopt;
  const size_t open = tail.rfind("**");
  if (open == kNone || tail.find('\n', open) != kNone) return absl::nullopt;
  const absl::string_view content = tail.substr(open + 2);
  if (!IsMathematics(content)) return absl::nullopt;
  return Extraction{std::string(content), "bold text"};
}

// Whichever comes last: mathematics between delimiters or a number outside them.
absl::optional<Extraction> FromEnd(absl::string_view tail) {
  const std::vector<MathSpan> spans = MathSpans(tail);
  const MathSpan* math = nullptr;
  int tries = 0;
  for (auto span = spans.rbegin(); span != spans.rend() && math == nullptr && tries < 4; ++span) {
    const absl::string_view content = absl::StripAsciiWhitespace(span->content);
    if (content.size() < 2 && !(content.size() == 1 && IsDigit(content[0]))) continue;
    ++tries;
    if (IsMathematics(content)) math = &*span;
  }
  const size_t math_end = math == nullptr ? 0 : math->end;
  const auto number = LastNumber(tail.substr(math_end));
  if (number.has_value()) return Extraction{std::string(number->content), "last number"};
  if (math == nullptr) return absl::nullopt;
  return Extraction{std::string(math->content), "last mathematics"};
}

// ---- letters

bool IsLetterAt(absl::string_view text, size_t i) {
  const auto is_word = [&](size_t at) {
    return at < text.size() && (absl::ascii_isalnum(text[at]) || text[at] == '\'');
  };
  return text[i] >= 'A' && text[i] <= 'J' && (i == 0 || !is_word(i - 1)) && !is_word(i + 1);
}

absl::optional<Extraction> Letter(absl::string_view text, size_t i) {
  return Extraction{std::string(text.substr(i, 1)), "choice"};
}

// The letter behind an announcement, at the start, or the last one.
absl::optional<Extraction> FromChoice(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  if (text.empty()) return absl::nullopt;
  if (text.size() > kTailBytes) text = text.substr(text.size() - kTailBytes);
  const size_t cue = BehindCue(text);
  if (cue != kNone) {
    for (size_t i = cue; i < text.size(); ++i) {
      if (IsLetterAt(text, i)) return Letter(text, i);
    }
  }
  const size_t first = text[0] == '(' ? 1 : 0;
  // "A. …" and "B 不是 A"; "A circle …" starts with an article.
  if (first < text.size() && IsLetterAt(text, first) &&
      (text[first] != 'A' || first + 1 == text.size() || text[first + 1] != ' ')) {
    return Letter(text, first);
  }
  for (size_t i = text.size(); i > 0; --i) {
    if (IsLetterAt(text, i - 1)) return Letter(text, i - 1);
  }
  return absl::nullopt;
}

absl::optional<Extraction> FromPlainText(absl::string_view text, const ExtractPolicy& policy) {
  if (auto hashes = FromHashes(text)) return hashes;
  if (text.size() <= kShortText && CountWords(text) <= 2 && IsMathematics(text)) {
    return Extraction{std::string(text), "whole text"};
  }
  if (policy.choice) return FromChoice(text);
  absl::string_view tail = text;
  if (tail.size() > kTailBytes) tail = tail.substr(tail.size() - kTailBytes);
  if (auto answer = FromCue(tail)) return answer;
  if (auto answer = FromBold(tail)) return answer;
  if (auto answer = FromEnd(tail)) return answer;
  text = absl::StripAsciiWhitespace(text);
  if (text.size() > kShortText || text.empty()) return absl::nullopt;
  return Extraction{std::string(text), "whole text"};
}

}  // namespace

absl::optional<Extraction> ExtractAnswer(absl::string_view completion,
                                         const ExtractPolicy& policy) {
  const absl::optional<absl::string_view> text = AfterThought(completion);
  if (!text.has_value()) return absl::nullopt;
  if (policy.plain) {
    if (auto answer = FromLateAnnouncement(*text)) return answer;
  }
  if (policy.boxed) {
    const BoxedAnswer boxed = LastBoxes(*text, /*unclosed_to_end=*/policy.truth);
    if (boxed.unclosed) return absl::nullopt;
    if (boxed.text.has_value()) return Extraction{*boxed.text, "box"};
  }
  if (policy.answer_tag) {
    if (auto answer = FromTag(*text)) return answer;
  }
  if (policy.plain) return FromPlainText(*text, policy);
  return absl::nullopt;
}

}  // namespace grpo
