#include "reward/math/expression_parser.h"

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "reward/math/matrix.h"
#include "reward/math/parser.h"
#include "reward/math/unit.h"

namespace grpo {
namespace {

absl::optional<Relation> RelationOf(absl::string_view text) {
  if (text == "=") return Relation::kEqual;
  if (text == "~") return Relation::kApproximately;
  if (text == "<") return Relation::kLess;
  if (text == "<=") return Relation::kLessOrEqual;
  if (text == ">") return Relation::kGreater;
  if (text == ">=") return Relation::kGreaterOrEqual;
  if (text == "!=") return Relation::kNotEqual;
  if (text == "in") return Relation::kElementOf;
  return absl::nullopt;
}

}  // namespace

absl::optional<Answer> ExpressionParser::Parse() {
  Answer answer = List();
  if (failed_ || Peek().type != TokenType::kEnd) return absl::nullopt;
  return answer;
}

Answer ExpressionParser::Scalar(Op op, std::vector<Answer> parts, std::string text) {
  for (const Answer& part : parts) {
    if (part.form != AnswerForm::kScalar) failed_ = true;
  }
  CountNode();
  return MakeScalar(op, std::move(parts), std::move(text));
}

void ExpressionParser::CountNode() {
  if (++nodes_ > kMaxAnswerNodes) failed_ = true;
}

bool ExpressionParser::SeparatesWeakly(const Token& token) {
  return token.type == TokenType::kSymbol && token.text == ",";
}

bool ExpressionParser::Separates(const Token& token) {
  return token.type == TokenType::kJoiner ||
         (token.type == TokenType::kSymbol &&
          (token.text == "," || token.text == ";" || token.text == "row"));
}

Answer ExpressionParser::List() {
  std::vector<std::vector<Answer>> groups(1);
  bool semicolons = false;
  while (!failed_) {
    groups.back().push_back(Item());
    if (failed_ || !Separates(Peek())) break;
    bool weak = true;
    while (Separates(Peek())) {
      weak = weak && SeparatesWeakly(Peek());
      semicolons = semicolons || At(";");
      ++position_;
    }
    if (Peek().type == TokenType::kEnd) break;
    if (!weak) groups.emplace_back();
  }
  return Grouped(std::move(groups), semicolons);
}

Answer ExpressionParser::Grouped(std::vector<std::vector<Answer>> groups, bool semicolons) {
  std::vector<Answer> items;
  for (std::vector<Answer>& group : groups) {
    const bool named = std::any_of(group.begin(), group.end(), [](const Answer& item) {
      return item.form == AnswerForm::kRelation;
    });
    if (semicolons && group.size() > 1 && !named) {
      items.push_back(MakeForm(AnswerForm::kTuple, std::move(group)));
    } else {
      std::move(group.begin(), group.end(), std::back_inserter(items));
    }
  }
  if (items.size() == 1) return std::move(items[0]);
  return MakeForm(AnswerForm::kList, std::move(items));
}

Answer ExpressionParser::Item() {
  if (Peek().type == TokenType::kRelation && (Peek().text == "=" || Peek().text == "~")) {
    ++position_;
  }
  Answer first = SetExpression();
  if (Peek().type != TokenType::kRelation) return first;
  Answer chain = MakeForm(AnswerForm::kRelation, {});
  chain.parts.push_back(std::move(first));
  while (!failed_ && Peek().type == TokenType::kRelation) {
    chain.relations.push_back(*RelationOf(Peek().text));
    ++position_;
    chain.parts.push_back(SetExpression());
  }
  CountNode();
  return chain;
}

Answer ExpressionParser::SetExpression() {
  Answer left = Ratio();
  while (!failed_ && (At("cup") || At("setminus"))) {
    const bool difference = At("setminus");
    ++position_;
    Answer right = Ratio();
    if (left.form == AnswerForm::kUnion && !difference && left.text.empty()) {
      left.parts.push_back(std::move(right));
    } else {
      left = MakeForm(AnswerForm::kUnion, {std::move(left), std::move(right)},
                      difference ? "minus" : "");
    }
  }
  return left;
}

Answer ExpressionParser::Ratio() {
  Answer first = Quantity();
  if (!At(":") || in_set_) return first;
  Answer ratio = MakeForm(AnswerForm::kRatio, {});
  ratio.parts.push_back(std::move(first));
  while (!failed_ && Eat(":")) ratio.parts.push_back(Quantity());
  return ratio;
}

Answer ExpressionParser::Quantity() {
  Answer value = Sum();
  if (failed_ || Peek().type != TokenType::kWord || value.form == AnswerForm::kText) {
    return value;
  }
  if (Peek().text == "percent") {
    ++position_;
    return Scalar(Op::kPercent, Parts(std::move(value)));
  }
  if (absl::StartsWith(Peek().text, "deg")) {
    ++position_;
    return Scalar(Op::kDegrees, Parts(std::move(value)));
  }
  if (value.form != AnswerForm::kScalar) return Fail();
  return MakeForm(AnswerForm::kQuantity, Parts(std::move(value)), CanonicalUnit(UnitText()));
}

std::vector<Answer> ExpressionParser::Parts(Answer a) {
  std::vector<Answer> parts;
  parts.push_back(std::move(a));
  return parts;
}

std::vector<Answer> ExpressionParser::Parts(Answer a, Answer b) {
  std::vector<Answer> parts;
  parts.push_back(std::move(a));
  parts.push_back(std::move(b));
  return parts;
}

std::string ExpressionParser::UnitText() {
  std::string unit;
  while (true) {
    if (Peek().type == TokenType::kWord ||
        (Peek().type == TokenType::kVariable && Peek().in_text)) {
      absl::StrAppend(&unit, " ", Peek().text);
      ++position_;
    } else if (At("^")) {
      ++position_;
      const bool braced = Eat("{");
      absl::StrAppend(&unit, "^", At("-") ? "-" : "");
      Eat("-");
      if (Peek().type != TokenType::kNumber) failed_ = true;
      absl::StrAppend(&unit, Peek().text);
      ++position_;
      if (braced) Expect("}");
    } else if (At("/") && (Peek(1).type == TokenType::kWord)) {
      unit += " /";
      ++position_;
    } else {
      return unit;
    }
  }
}

Answer ExpressionParser::Sum() {
  if (++depth_ > kMaxAnswerDepth) return Fail();
  std::vector<Answer> terms;
  bool first = true;
  while (!failed_) {
    bool plus_minus = false, opposite = false, negative = false;
    if (At("+")) {
      ++position_;
    } else if (At("-")) {
      ++position_;
      negative = true;
    } else if (At("pm") || At("mp")) {
      plus_minus = true;
      opposite = At("mp");
      ++position_;
    } else if (!first) {
      break;
    }
    first = false;
    Answer term = Product();
    if (plus_minus) term = Scalar(Op::kPlusMinus, Parts(std::move(term)), opposite ? "mp" : "");
    AddTerm(std::move(term), negative, &terms);
  }
  --depth_;
  if (failed_) return Answer();
  if (terms.size() == 1) return std::move(terms[0]);
  return Scalar(Op::kAdd, std::move(terms));
}

void ExpressionParser::AddTerm(Answer term, bool negative, std::vector<Answer>* terms) {
  if (term.form == AnswerForm::kMatrix) {
    if (negative) {
      term = *MultiplyMatrices(MakeScalar(Op::kNegate, Parts(MakeNumber("1"))), term);
    }
    if (!terms->empty()) {
      absl::optional<Answer> sum = AddMatrices(terms->back(), term);
      if (!sum.has_value()) {
        failed_ = true;
        return;
      }
      terms->back() = *std::move(sum);
      return;
    }
  } else if (negative) {
    term = Scalar(Op::kNegate, Parts(std::move(term)));
  }
  terms->push_back(std::move(term));
}

Answer ExpressionParser::Product() {
  Answer left = Factor();
  while (!failed_) {
    if (At("*")) {
      ++position_;
      left = Times(std::move(left), Factor());
    } else if (At("/")) {
      ++position_;
      left = Scalar(Op::kDivide, Parts(std::move(left), Factor()));
    } else if (At("mod")) {
      ++position_;
      left = Scalar(Op::kMod, Parts(std::move(left), Factor()));
    } else if (StartsFactor() && (Peek().type != TokenType::kNumber || MayPrecedeNumber(left))) {
      left = Times(std::move(left), Power());
    } else {
      break;
    }
  }
  return left;
}

bool ExpressionParser::MayPrecedeNumber(const Answer& left) {
  const Answer* last = &left;
  while (last->form == AnswerForm::kScalar && last->op == Op::kMultiply) {
    last = &last->parts.back();
  }
  return last->form == AnswerForm::kScalar && last->op == Op::kPower;
}

Answer ExpressionParser::Times(Answer left, Answer right) {
  if (left.form == AnswerForm::kMatrix || right.form == AnswerForm::kMatrix) {
    if (left.form != AnswerForm::kMatrix && left.form != AnswerForm::kScalar) return Fail();
    if (right.form != AnswerForm::kMatrix && right.form != AnswerForm::kScalar) return Fail();
    absl::optional<Answer> product = MultiplyMatrices(left, right);
    return product.has_value() ? *std::move(product) : Fail();
  }
  if (left.op == Op::kMultiply && left.form == AnswerForm::kScalar &&
      right.form == AnswerForm::kScalar) {
    left.parts.push_back(std::move(right));
    return left;
  }
  return Scalar(Op::kMultiply, Parts(std::move(left), std::move(right)));
}

bool ExpressionParser::StartsFactor() const {
  const Token& token = Peek();
  switch (token.type) {
    case TokenType::kNumber:
    case TokenType::kVariable:
      return !token.in_text || token.type == TokenType::kVariable;
    case TokenType::kFunction:
      return !absl::StartsWith(token.text, "end");
    case TokenType::kSymbol:
      return token.text == "(" || token.text == "{" || token.text == "[" ||
             token.text == "lfloor" || token.text == "lceil" ||
             (token.text == "|" && absolutes_ == 0 && !in_set_);
    default:
      return false;
  }
}

Answer ExpressionParser::Factor() {
  if (Eat("+")) return Power();
  if (Eat("-")) return Scalar(Op::kNegate, Parts(Power()));
  return Power();
}

Answer ExpressionParser::Power() {
  if (++depth_ > kMaxAnswerDepth) return Fail();
  Answer base = Primary();
  for (int suffixes = 0; !failed_; ++suffixes) {
    if (suffixes == kMaxSuffixes) return Fail();
    if (Eat("^")) {
      base = Raised(std::move(base));
    } else if (At("!")) {
      ++position_;
      base = Scalar(Op::kFactorial, Parts(std::move(base)));
    } else if (Eat("%")) {
      base = Scalar(Op::kPercent, Parts(std::move(base)));
    } else if (Eat("degree") || Eat("circ")) {
      base = Scalar(Op::kDegrees, Parts(std::move(base)));
    } else {
      break;
    }
  }
  --depth_;
  return failed_ ? Answer() : std::move(base);
}

Answer ExpressionParser::Raised(Answer base) {
  if (Eat("circ") || Eat("degree")) return Scalar(Op::kDegrees, Parts(std::move(base)));
  if (At("{") && (At("circ", 1) || At("degree", 1)) && At("}", 2)) {
    position_ += 3;
    return Scalar(Op::kDegrees, Parts(std::move(base)));
  }
  if (Eat("'")) return Fail();
  return Scalar(Op::kPower, Parts(std::move(base), Exponent()));
}

Answer ExpressionParser::Exponent() {
  if (++depth_ > kMaxAnswerDepth) return Fail();
  const bool negative = Eat("-");
  if (!negative) Eat("+");
  Answer exponent = Primary();
  if (Eat("^")) exponent = Raised(std::move(exponent));
  --depth_;
  if (negative) exponent = Scalar(Op::kNegate, Parts(std::move(exponent)));
  return exponent;
}

absl::optional<Answer> ParseTokens(const std::vector<Token>& tokens) {
  return ExpressionParser(tokens).Parse();
}

}  // namespace grpo
