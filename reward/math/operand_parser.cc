#include <string>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "reward/math/expression_parser.h"
#include "reward/math/parser.h"

namespace grpo {
namespace {

bool IsDigits(const Answer& answer) {
  return answer.form == AnswerForm::kScalar && answer.op == Op::kNumber &&
         answer.text.find('.') == std::string::npos;
}

}  // namespace

Answer ExpressionParser::Primary() {
  if (failed_) return Answer();
  const Token& token = Peek();
  switch (token.type) {
    case TokenType::kNumber:
      return Number();
    case TokenType::kVariable:
      return Variable();
    case TokenType::kFunction:
      return Function();
    case TokenType::kWord:
      return Words();
    case TokenType::kSymbol:
      return Bracketed();
    default:
      return Fail();
  }
}

Answer ExpressionParser::Words() {
  std::string words;
  while (Peek().type == TokenType::kWord || Peek().type == TokenType::kVariable) {
    absl::StrAppend(&words, words.empty() ? "" : " ", absl::AsciiStrToLower(Peek().text));
    ++position_;
  }
  return MakeForm(AnswerForm::kText, {}, std::move(words));
}

Answer ExpressionParser::Number() {
  const std::string digits = Peek().text;
  ++position_;
  CountNode();
  if (digits.size() > kMaxNumberDigits) return Fail();
  if (At("_")) return Based(digits);
  if (digits.find('.') != std::string::npos) {
    absl::optional<Answer> repeating = Repeating(digits);
    if (repeating.has_value()) return *std::move(repeating);
    if (digits.back() == '.') return Fail();
  }
  Answer number = MakeNumber(digits);
  if (Eat("scientific")) {
    return Scalar(Op::kMultiply, Parts(std::move(number),
                                       Scalar(Op::kPower, Parts(MakeNumber("10"), Exponent()))));
  }
  return IsDigits(number) ? Mixed(std::move(number)) : number;
}

absl::optional<Answer> ExpressionParser::Repeating(const std::string& digits) {
  std::string repeated;
  const size_t start = position_;
  if (AtFunction("overline") || AtFunction("bar") || AtFunction("dot")) {
    while (AtFunction("overline") || AtFunction("bar") || AtFunction("dot")) {
      ++position_;
      const bool braced = Eat("{");
      if (Peek().type != TokenType::kNumber || !IsDigitText(Peek().text)) break;
      std::string part = Peek().text;
      ++position_;
      if (braced && !Eat("}")) break;
      repeated += part;
    }
  } else if (At("(") && !Peek().space_before && Peek(1).type == TokenType::kNumber &&
             IsDigitText(Peek(1).text) && At(")", 2)) {
    repeated = Peek(1).text;
    position_ += 3;
  }
  if (repeated.empty()) {
    position_ = start;
    return absl::nullopt;
  }
  return Scalar(Op::kRepeating, {}, absl::StrCat(digits, "(", repeated, ")"));
}

bool ExpressionParser::IsDigitText(absl::string_view text) {
  return !text.empty() && text.find('.') == absl::string_view::npos;
}

Answer ExpressionParser::Based(const std::string& digits) {
  Expect("_");
  const bool braced = Eat("{");
  int base = 0;
  if (Peek().type == TokenType::kNumber) {
    if (!absl::SimpleAtoi(Peek().text, &base)) return Fail();
  } else {
    static constexpr absl::string_view kNames[] = {"two",   "three", "four", "five", "six",
                                                   "seven", "eight", "nine", "ten"};
    for (int i = 0; i < 9; ++i) base = Peek().text == kNames[i] ? i + 2 : base;
  }
  ++position_;
  if (braced) Expect("}");
  if (base < 2 || base > 36) return Fail();
  Answer based = MakeForm(AnswerForm::kBased, {}, digits);
  based.columns = base;
  return based;
}

Answer ExpressionParser::Mixed(Answer whole) {
  if (AtFunction("frac") && ProperFractionAhead()) {
    return Scalar(Op::kAdd, Parts(std::move(whole), Function()));
  } else if (Peek().type == TokenType::kNumber && Peek().space_before && At("/", 1) &&
             Peek(2).type == TokenType::kNumber) {
    Answer fraction =
        MakeScalar(Op::kDivide, Parts(MakeNumber(Peek().text), MakeNumber(Peek(2).text)));
    if (!IsProper(fraction)) return Fail();
    position_ += 3;
    return Scalar(Op::kAdd, Parts(std::move(whole), std::move(fraction)));
  }
  return whole;
}

bool ExpressionParser::ProperFractionAhead() const {
  size_t ahead = 1;
  std::string parts[2];
  if (Peek(1).type == TokenType::kNumber && Peek(1).text.size() == 2 && IsDigitText(Peek(1).text)) {
    return Peek(1).text[0] < Peek(1).text[1];
  }
  for (std::string& part : parts) {
    const bool braced = At("{", ahead);
    if (braced) ++ahead;
    if (Peek(ahead).type != TokenType::kNumber) return false;
    part = Peek(ahead++).text;
    if (braced && !At("}", ahead++)) return false;
  }
  return IsProper(MakeScalar(Op::kDivide, Parts(MakeNumber(parts[0]), MakeNumber(parts[1]))));
}

bool ExpressionParser::IsProper(const Answer& fraction) {
  int64_t numerator = 0, denominator = 0;
  return IsDigits(fraction.parts[0]) && IsDigits(fraction.parts[1]) &&
         absl::SimpleAtoi(fraction.parts[0].text, &numerator) &&
         absl::SimpleAtoi(fraction.parts[1].text, &denominator) && numerator < denominator;
}

Answer ExpressionParser::Variable() {
  std::string name = Peek().text;
  ++position_;
  if (At("_")) name += Subscript();
  while (Eat("'")) name += "'";
  if (failed_) return Answer();
  if (IsCall(name)) {
    Expect("(");
    std::vector<Answer> arguments = Items(")");
    return Scalar(Op::kCall, std::move(arguments), std::move(name));
  }
  if (name == "e") return Scalar(Op::kE, {});
  if (name == "i") return Scalar(Op::kI, {});
  return Scalar(Op::kVariable, {}, std::move(name));
}

std::string ExpressionParser::Subscript() {
  Expect("_");
  std::string text = "_";
  if (!Eat("{")) {
    text += Peek().text;
    ++position_;
    return text;
  }
  int level = 1;
  while (Peek().type != TokenType::kEnd) {
    if (At("{")) ++level;
    if (At("}") && --level == 0) break;
    text += Peek().text;
    ++position_;
  }
  Expect("}");
  return text;
}

bool ExpressionParser::IsCall(const std::string& name) const {
  if (!At("(") || name.empty()) return false;
  const char letter = name[0];
  if (letter == 'f' || letter == 'g' || letter == 'h') return true;
  if (!absl::ascii_isupper(letter) && letter != 'p' && letter != 'q') return false;
  return (Peek(1).type == TokenType::kVariable || Peek(1).type == TokenType::kNumber) &&
         (At(")", 2) || At(",", 2));
}

Answer ExpressionParser::Bracketed() {
  if (Eat("(")) return Round(/*left_closed=*/false);
  if (Eat("[")) return Round(/*left_closed=*/true);
  if (Eat("{")) return Braces();
  if (Eat("\\{")) return SetBraces();
  if (Eat("<<")) return Angles();
  if (Eat("lfloor")) return Enclosed(Op::kFloor, "rfloor");
  if (Eat("lceil")) return Enclosed(Op::kCeiling, "rceil");
  if (Eat("|")) {
    ++absolutes_;
    Answer inside = Sum();
    --absolutes_;
    Expect("|");
    return Scalar(Op::kAbs, Parts(std::move(inside)));
  }
  return Fail();
}

Answer ExpressionParser::Enclosed(Op op, absl::string_view close) {
  Answer inside = Sum();
  Expect(close);
  return Scalar(op, Parts(std::move(inside)));
}

std::vector<Answer> ExpressionParser::Items(absl::string_view close) {
  std::vector<Answer> items;
  const int absolutes = std::exchange(absolutes_, 0);
  const bool in_set = std::exchange(in_set_, false);
  do {
    items.push_back(Item());
  } while (!failed_ && (Eat(",") || Eat(";")));
  absolutes_ = absolutes;
  in_set_ = in_set;
  if (!close.empty()) Expect(close);
  return items;
}

Answer ExpressionParser::Round(bool left_closed) {
  std::vector<Answer> items = Items("");
  if (failed_) return Answer();
  const bool right_closed = At("]");
  if (!right_closed && !At(")")) return Fail();
  ++position_;
  if (items.size() == 1) {
    // A relation in brackets is no factor.
    return std::move(items[0]);
  }
  if (left_closed && right_closed && items.size() > 2) {
    return MakeForm(AnswerForm::kList, std::move(items));
  }
  Answer tuple = MakeForm(AnswerForm::kTuple, std::move(items));
  tuple.left_closed = left_closed;
  tuple.right_closed = right_closed;
  return tuple;
}

Answer ExpressionParser::Braces() {
  std::vector<Answer> items;
  const int absolutes = std::exchange(absolutes_, 0);
  const bool in_set = std::exchange(in_set_, false);
  do {
    items.push_back(Item());
    if (Eat("over")) {
      Answer below = Sum();
      items.back() = Scalar(Op::kDivide, Parts(std::move(items.back()), std::move(below)));
    } else if (AtFunction("choose")) {
      ++position_;
      Answer below = Sum();
      items.back() = Scalar(Op::kBinomial, Parts(std::move(items.back()), std::move(below)));
    }
  } while (!failed_ && (Eat(",") || Eat(";")));
  absolutes_ = absolutes;
  in_set_ = in_set;
  Expect("}");
  if (items.size() == 1) return std::move(items[0]);
  return MakeForm(AnswerForm::kList, std::move(items));
}

Answer ExpressionParser::SetBraces() {
  const int absolutes = std::exchange(absolutes_, 0);
  const bool in_set = std::exchange(in_set_, true);
  std::vector<Answer> items;
  if (!At("\\}")) {
    do {
      items.push_back(Item());
    } while (!failed_ && (Eat(",") || Eat(";")));
  }
  Answer set = MakeForm(AnswerForm::kSet, {});
  if (!failed_ && items.size() == 1 && (At("|") || At(":"))) {
    // \{x : 1 < x < 2\} says what the relation says.
    ++position_;
    set = Item();
    if (set.form != AnswerForm::kRelation) failed_ = true;
  } else {
    set.parts = std::move(items);
  }
  absolutes_ = absolutes;
  in_set_ = in_set;
  Expect("\\}");
  return set;
}

Answer ExpressionParser::Angles() {
  Answer tuple = MakeForm(AnswerForm::kTuple, Items(">>"));
  tuple.angled = true;
  return tuple;
}

Answer ExpressionParser::Environment(const std::string& name) {
  if (!absl::EndsWith(name, "matrix") && name != "array") return Fail();
  Answer matrix = MakeForm(AnswerForm::kMatrix, {});
  int columns = 0, rows = 0;
  while (!failed_ && !AtEndOfEnvironment()) {
    int row = 0;
    do {
      matrix.parts.push_back(Item());
      ++row;
    } while (!failed_ && Eat("&"));
    if (rows++ == 0) columns = row;
    if (row != columns) return Fail();
    if (!Eat("row")) break;
  }
  if (failed_ || !AtEndOfEnvironment() || columns == 0) return Fail();
  ++position_;
  if (name == "vmatrix") return Scalar(Op::kCall, std::move(matrix.parts), "determinant");
  matrix.columns = columns;
  return matrix;
}

}  // namespace grpo
