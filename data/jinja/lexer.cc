#include "data/jinja/lexer.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"

#include "data/jinja/number.h"
#include "data/jinja/string_literal.h"
#include "data/jinja/text.h"
#include "data/json.h"
#include "data/status_macros.h"
#include "data/utf8.h"

namespace grpo::jinja {
namespace {

constexpr size_t kMaxSourceBytes = 1 << 20;

constexpr absl::string_view kOperators[] = {"**", "//", "==", "!=", ">=", "<=", "+", "-", "/",
                                            "*",  "%",  "~",  "[",  "]",  "(",  ")", "{", "}",
                                            ">",  "<",  "=",  ".",  ":",  "|",  ",", ";"};

// Line breaks as \n, and without the one at the end.
std::string NormalizeLineBreaks(absl::string_view source) {
  std::string text = absl::StrReplaceAll(source, {{"\r\n", "\n"}, {"\r", "\n"}});
  if (absl::EndsWith(text, "\n")) text.pop_back();
  return text;
}

size_t SkipSpace(absl::string_view text, size_t position) {
  return text.size() - Strip(text.substr(position), absl::nullopt, Side::kLeft).size();
}

class Lexer {
 public:
  Lexer(std::string source, const std::string& origin)
      : source_(std::move(source)), text_(source_), origin_(origin) {}

  absl::StatusOr<std::vector<Token>> Run() {
    while (position_ < text_.size()) {
      const size_t tag = FindTag(position_);
      if (tag == absl::string_view::npos) {
        AddText(text_.substr(position_));
        position_ = text_.size();
        break;
      }
      RETURN_IF_ERROR(LexTag(tag));
    }
    Add(TokenKind::kEnd);
    return std::move(tokens_);
  }

 private:
  absl::Status Error(absl::string_view problem) { return ErrorAt(position_, problem); }

  absl::Status ErrorAt(size_t position, absl::string_view problem) {
    return absl::InvalidArgumentError(absl::StrCat(origin_, ":", LineAt(position), ": ", problem));
  }

  // Counts on from the last call: positions grow.
  int LineAt(size_t position) {
    if (position > counted_to_) {
      line_ += std::count(text_.begin() + counted_to_, text_.begin() + position, '\n');
      counted_to_ = position;
    }
    return line_;
  }

  void Add(TokenKind kind, std::string text = "") {
    Token token;
    token.kind = kind;
    token.line = LineAt(position_);
    token.text = std::move(text);
    tokens_.push_back(std::move(token));
  }

  void AddText(absl::string_view text) {
    if (!text.empty()) Add(TokenKind::kText, std::string(text));
  }

  // The next {{, {% or {#.
  size_t FindTag(size_t from) const {
    for (size_t brace = from; (brace = text_.find('{', brace)) != absl::string_view::npos;
         ++brace) {
      if (brace + 1 < text_.size() && absl::StrContains("{%#", text_.substr(brace + 1, 1))) {
        return brace;
      }
    }
    return absl::string_view::npos;
  }

  bool At(absl::string_view expected) const {
    return absl::StartsWith(text_.substr(position_), expected);
  }

  // The text before a tag with the sign `sign` ('-', '+' or none) as the tag leaves it.
  absl::string_view TextBefore(size_t tag, char sign, bool is_output) const {
    const absl::string_view text = text_.substr(position_, tag - position_);
    if (sign == '-') return Strip(text, absl::nullopt, Side::kRight);
    if (sign == '+' || is_output) return text;
    const size_t newline = text.rfind('\n');
    const size_t line_start = newline == absl::string_view::npos ? 0 : newline + 1;
    const bool at_line_start = newline != absl::string_view::npos || line_starting_;
    const absl::string_view before_tag = text.substr(line_start);
    if (at_line_start && Strip(before_tag, absl::nullopt, Side::kBoth).empty()) {
      return text.substr(0, line_start);
    }
    return text;
  }

  char SignAt(size_t position) const {
    if (position >= text_.size()) return '\0';
    return text_[position] == '-' || text_[position] == '+' ? text_[position] : '\0';
  }

  absl::Status LexTag(size_t tag) {
    const char kind = text_[tag + 1];
    const char sign = SignAt(tag + 2);
    AddText(TextBefore(tag, sign, kind == '{'));
    position_ = tag;
    const size_t inside = tag + 2 + (sign == '\0' ? 0 : 1);
    if (kind == '#') return SkipComment(inside);
    if (kind == '%' && IsRaw(inside)) return LexRaw(inside);
    Add(kind == '{' ? TokenKind::kOutputBegin : TokenKind::kBlockBegin);
    position_ = inside;
    return LexInside(kind == '{');
  }

  // Steps over the end of a tag that starts at `end`, with the white space that it takes along.
  void SkipEnd(size_t end, bool takes_newline) {
    const bool strips = text_[end] == '-';
    const bool keeps = text_[end] == '+';
    position_ = end + (strips || keeps ? 3 : 2);
    if (strips) {
      position_ = SkipSpace(text_, position_);
    } else if (!keeps && takes_newline && At("\n")) {
      ++position_;
    }
    line_starting_ = text_[position_ - 1] == '\n';
  }

  absl::Status SkipComment(size_t inside) {
    size_t end = text_.find("#}", inside);
    if (end == absl::string_view::npos) return Error("the comment has no end: expected '#}'");
    if (end > inside && SignAt(end - 1) != '\0') --end;
    SkipEnd(end, /*takes_newline=*/true);
    return absl::OkStatus();
  }

  // Whether "raw %}" stands at `inside`.
  bool IsRaw(size_t inside) const {
    size_t position = SkipSpace(text_, inside);
    if (!absl::StartsWith(text_.substr(position), "raw")) return false;
    position = SkipSpace(text_, position + 3);
    const absl::string_view rest = text_.substr(position);
    return absl::StartsWith(rest, "%}") || absl::StartsWith(rest, "-%}");
  }

  absl::Status LexRaw(size_t inside) {
    const size_t begin = position_;
    SkipEnd(SkipSpace(text_, SkipSpace(text_, inside) + 3), /*takes_newline=*/false);
    for (size_t tag = position_; (tag = text_.find("{%", tag)) != absl::string_view::npos; ++tag) {
      const char sign = SignAt(tag + 2);
      size_t end = SkipSpace(text_, tag + 2 + (sign == '\0' ? 0 : 1));
      if (!absl::StartsWith(text_.substr(end), "endraw")) continue;
      end = SkipSpace(text_, end + 6);
      const absl::string_view rest = text_.substr(end);
      if (!absl::StartsWith(rest, "%}") && !absl::StartsWith(rest, "-%}") &&
          !absl::StartsWith(rest, "+%}")) {
        continue;
      }
      AddText(TextBefore(tag, sign, /*is_output=*/false));
      SkipEnd(end, /*takes_newline=*/true);
      return absl::OkStatus();
    }
    return ErrorAt(begin, "the raw block has no end: expected '{% endraw %}'");
  }

  // Whether the end of the tag stands at the position, with a sign or without.
  bool AtTagEnd(bool is_output) const {
    const absl::string_view end = is_output ? "}}" : "%}";
    if (At(end)) return true;
    const bool has_sign = At("-") || (!is_output && At("+"));
    return has_sign && absl::StartsWith(text_.substr(position_ + 1), end);
  }

  absl::Status LexInside(bool is_output) {
    brackets_.clear();
    while (true) {
      position_ = SkipSpace(text_, position_);
      if (brackets_.empty() && AtTagEnd(is_output)) {
        Add(is_output ? TokenKind::kOutputEnd : TokenKind::kBlockEnd);
        SkipEnd(position_, /*takes_newline=*/!is_output);
        return absl::OkStatus();
      }
      if (position_ >= text_.size()) {
        return Error(absl::StrCat("unexpected end of the template, expected '",
                                  is_output ? "}}" : "%}", "'"));
      }
      RETURN_IF_ERROR(LexToken());
    }
  }

  absl::Status LexToken() {
    const char first = text_[position_];
    if (absl::ascii_isdigit(first)) return LexNumber();
    if (first == '\'' || first == '"') return LexString(first);
    if (StartsName()) return LexName();
    return LexOperator();
  }

  bool StartsName() const {
    size_t size = 0;
    return IsWordCharacter(DecodeUtf8(text_.substr(position_), &size));
  }

  absl::Status LexName() {
    size_t end = position_;
    size_t size = 0;
    while (end < text_.size() && IsWordCharacter(DecodeUtf8(text_.substr(end), &size))) end += size;
    const absl::string_view name = text_.substr(position_, end - position_);
    if (IsDigit(DecodeUtf8(name, &size))) return Error("a name that starts with a digit");
    Add(TokenKind::kName, std::string(name));
    position_ = end;
    return absl::OkStatus();
  }

  // The end of digits with single underscores between them; `start` where there are none.
  size_t DigitsEnd(size_t start, absl::string_view digits) const {
    size_t end = start;
    while (end < text_.size()) {
      const bool is_digit = absl::StrContains(digits, absl::ascii_tolower(text_[end]));
      const bool joins = text_[end] == '_' && end > start && end + 1 < text_.size() &&
                         text_[end - 1] != '_' &&
                         absl::StrContains(digits, absl::ascii_tolower(text_[end + 1]));
      if (!is_digit && !joins) break;
      ++end;
    }
    return end;
  }

  static constexpr absl::string_view kDecimal = "0123456789";

  // The end of a number with a fraction or an exponent at the position, or 0.
  size_t FloatEnd() const {
    // "a.1.5" is item 1, then item 5.
    if (position_ > 0 && text_[position_ - 1] == '.') return 0;
    const size_t whole = DigitsEnd(position_, kDecimal);
    size_t end = whole;
    if (end + 1 < text_.size() && text_[end] == '.' && absl::ascii_isdigit(text_[end + 1])) {
      end = DigitsEnd(end + 1, kDecimal);
    }
    if (end < text_.size() && absl::ascii_tolower(text_[end]) == 'e') {
      const size_t digits = end + 1 + (SignAt(end + 1) == '\0' ? 0 : 1);
      const size_t exponent_end = DigitsEnd(digits, kDecimal);
      if (exponent_end > digits) end = exponent_end;
    }
    return end == whole ? 0 : end;
  }

  // The end of an integer at the position.
  size_t IntegerEnd() const {
    if (text_[position_] != '0') return DigitsEnd(position_, kDecimal);
    static constexpr std::pair<char, absl::string_view> kBases[] = {
        {'b', "01"}, {'o', "01234567"}, {'x', "0123456789abcdef"}};
    const size_t letter = position_ + 1;
    for (const auto& [base, digits] : kBases) {
      if (letter >= text_.size() || absl::ascii_tolower(text_[letter]) != base) continue;
      const size_t start = letter + 1 + (IsUnderscoreAt(letter + 1) ? 1 : 0);
      const size_t end = DigitsEnd(start, digits);
      if (end > start) return end;
    }
    return DigitsEnd(position_, "0");
  }

  bool IsUnderscoreAt(size_t position) const {
    return position < text_.size() && text_[position] == '_';
  }

  absl::Status LexNumber() {
    const size_t float_end = FloatEnd();
    const size_t end = float_end != 0 ? float_end : IntegerEnd();
    const absl::string_view written = text_.substr(position_, end - position_);
    Token token;
    token.line = LineAt(position_);
    token.text = std::string(written);
    if (float_end != 0) {
      token.kind = TokenKind::kFloat;
      token.number = ParseFloat(written).value_or(0);
    } else {
      token.kind = TokenKind::kInteger;
      const auto integer = ParseInt(written, 0);
      if (!integer.ok()) return Error("the integer needs more than 64 bits");
      token.integer = integer->value_or(0);
    }
    tokens_.push_back(std::move(token));
    position_ = end;
    return absl::OkStatus();
  }

  absl::Status LexString(char quote) {
    size_t end = position_ + 1;
    while (end < text_.size() && text_[end] != quote) end += text_[end] == '\\' ? 2 : 1;
    if (end >= text_.size()) return Error("the string has no closing quote");
    const auto value = UnescapeString(text_.substr(position_ + 1, end - position_ - 1));
    if (!value.ok()) return Error(value.status().message());
    Add(TokenKind::kString, *value);
    position_ = end + 1;
    return absl::OkStatus();
  }

  absl::Status LexOperator() {
    for (const absl::string_view symbol : kOperators) {
      if (!At(symbol)) continue;
      RETURN_IF_ERROR(CheckBrackets(symbol[0]));
      Add(TokenKind::kOperator, std::string(symbol));
      position_ += symbol.size();
      return absl::OkStatus();
    }
    return Error(absl::StrCat(
        "unexpected character '",
        QuoteForMessage(text_.substr(position_, Utf8CharacterSize(text_.substr(position_)))), "'"));
  }

  absl::Status CheckBrackets(char symbol) {
    static constexpr absl::string_view kOpening = "([{";
    static constexpr absl::string_view kClosing = ")]}";
    if (const size_t opening = kOpening.find(symbol); opening != absl::string_view::npos) {
      brackets_.push_back(kClosing[opening]);
    } else if (absl::StrContains(kClosing, symbol)) {
      if (brackets_.empty()) {
        return Error(absl::StrCat("unexpected '", std::string(1, symbol), "'"));
      }
      if (brackets_.back() != symbol) {
        return Error(absl::StrCat("unexpected '", std::string(1, symbol), "', expected '",
                                  std::string(1, brackets_.back()), "'"));
      }
      brackets_.pop_back();
    }
    return absl::OkStatus();
  }

  const std::string source_;
  const absl::string_view text_;
  const std::string& origin_;
  size_t position_ = 0;
  int line_ = 1;
  size_t counted_to_ = 0;
  bool line_starting_ = true;  // nothing stands before the position on its line
  std::string brackets_;       // the closing ones that are due, outermost first
  std::vector<Token> tokens_;
};

}  // namespace

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view source, const std::string& origin) {
  if (source.size() > kMaxSourceBytes) {
    return absl::InvalidArgumentError(absl::StrCat(origin, ": a template of ", source.size(),
                                                   " bytes, more than ", kMaxSourceBytes));
  }
  if (!IsUtf8(source)) {
    const absl::string_view valid = source.substr(0, ValidUtf8Prefix(source));
    return absl::InvalidArgumentError(absl::StrCat(origin, ":",
                                                   std::count(valid.begin(), valid.end(), '\n') + 1,
                                                   ": a template must be UTF-8"));
  }
  return Lexer(NormalizeLineBreaks(source), origin).Run();
}

std::string Describe(const Token& token) {
  switch (token.kind) {
    case TokenKind::kEnd:
      return "the end of the template";
    case TokenKind::kText:
      return "text";
    case TokenKind::kOutputBegin:
      return "'{{'";
    case TokenKind::kOutputEnd:
      return "'}}'";
    case TokenKind::kBlockBegin:
      return "'{%'";
    case TokenKind::kBlockEnd:
      return "'%}'";
    case TokenKind::kString:
      return absl::StrCat("the string '", QuoteForMessage(token.text), "'");
    default:
      return absl::StrCat("'", QuoteForMessage(token.text), "'");
  }
}

}  // namespace grpo::jinja
