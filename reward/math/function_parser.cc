#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "reward/math/expression_parser.h"

namespace grpo {
namespace {

const absl::flat_hash_map<absl::string_view, Op>& Functions() {
  static const auto* const functions = new absl::flat_hash_map<absl::string_view, Op>{
      {"sin", Op::kSin},       {"cos", Op::kCos},       {"tan", Op::kTan},
      {"cot", Op::kCot},       {"sec", Op::kSec},       {"csc", Op::kCsc},
      {"arcsin", Op::kArcsin}, {"arccos", Op::kArccos}, {"arctan", Op::kArctan},
      {"sinh", Op::kSinh},     {"cosh", Op::kCosh},     {"tanh", Op::kTanh},
      {"exp", Op::kExp},       {"abs", Op::kAbs},       {"floor", Op::kFloor},
      {"ceil", Op::kCeiling},  {"gcd", Op::kGcd},       {"lcm", Op::kLcm},
      {"min", Op::kMin},       {"max", Op::kMax}};
  return *functions;
}

// What sin^{-1} means.
Op Inverse(Op op) {
  switch (op) {
    case Op::kSin:
      return Op::kArcsin;
    case Op::kCos:
      return Op::kArccos;
    case Op::kTan:
      return Op::kArctan;
    case Op::kCot:
      return Op::kArccot;
    case Op::kSec:
      return Op::kArcsec;
    case Op::kCsc:
      return Op::kArccsc;
    case Op::kSinh:
      return Op::kArsinh;
    case Op::kCosh:
      return Op::kArcosh;
    case Op::kTanh:
      return Op::kArtanh;
    default:
      return op;
  }
}

bool IsMinusOne(const Answer& answer) {
  return answer.op == Op::kNegate && answer.parts.size() == 1 &&
         answer.parts[0].op == Op::kNumber && answer.parts[0].text == "1";
}

}  // namespace

Answer ExpressionParser::Function() {
  const std::string name = Peek().text;
  ++position_;
  CountNode();
  if (name == "pi") return MakeScalar(Op::kPi, {});
  if (name == "infty") return MakeScalar(Op::kInfinity, {});
  if (name == "emptyset") return MakeForm(AnswerForm::kSet, {});
  if (name == "reals") return MakeForm(AnswerForm::kReals, {});
  if (name == "frac") return TwoParts(Op::kDivide);
  if (name == "binom") return At("(") ? Called(Op::kBinomial) : TwoParts(Op::kBinomial);
  if (name == "sqrt") return Root();
  if (name == "cbrt") return Scalar(Op::kRoot, Parts(Argument(), MakeNumber("3")));
  if (name == "ln" || name == "log" || name == "lg" || name == "plainlog") return Log(name);
  if (name == "sum" || name == "prod") return Series(name == "sum" ? Op::kSum : Op::kProduct);
  if (absl::StartsWith(name, "begin ")) return Environment(name.substr(6));
  if (name == "overline" || name == "bar") return Segment();
  const auto function = Functions().find(name);
  if (function == Functions().end()) return Fail();
  return Applied(function->second);
}

Answer ExpressionParser::Segment() {
  if (!At("{") || Peek(1).type != TokenType::kVariable) return Fail();
  std::string name = "overline ";
  ++position_;
  while (Peek().type == TokenType::kVariable) {
    name += Peek().text;
    ++position_;
  }
  Expect("}");
  return Scalar(Op::kVariable, {}, std::move(name));
}

Answer ExpressionParser::TwoParts(Op op) {
  if (Peek().type == TokenType::kNumber && Peek().text.size() == 2 && IsDigitText(Peek().text)) {
    const std::string digits = Peek().text;
    ++position_;
    return Scalar(op, Parts(MakeNumber(digits.substr(0, 1)), MakeNumber(digits.substr(1))));
  }
  Answer first = OnePart();
  return Scalar(op, Parts(std::move(first), OnePart()));
}

Answer ExpressionParser::OnePart() {
  if (Peek().type != TokenType::kNumber) return Primary();
  if (Peek().text.size() > 1) return Fail();
  ++position_;
  return MakeNumber(tokens_[position_ - 1].text);
}

Answer ExpressionParser::Root() {
  Answer degree = MakeNumber("2");
  if (Eat("[")) {
    degree = Sum();
    Expect("]");
  }
  Answer radicand = Primary();
  return Scalar(Op::kRoot, Parts(std::move(radicand), std::move(degree)));
}

Answer ExpressionParser::Log(const std::string& name) {
  Answer base = MakeScalar(Op::kE, {});
  if (name == "lg" || name == "log" || !At("(")) base = MakeNumber("10");
  if (name == "ln") base = MakeScalar(Op::kE, {});
  if (Eat("_")) base = Subordinate();
  Answer power;
  const bool powered = Eat("^");
  if (powered) power = Exponent();
  Answer log = Scalar(Op::kLog, Parts(Argument(), std::move(base)));
  return powered ? Scalar(Op::kPower, Parts(std::move(log), std::move(power))) : log;
}

Answer ExpressionParser::Subordinate() {
  if (Peek().type == TokenType::kNumber) {
    ++position_;
    return MakeNumber(tokens_[position_ - 1].text);
  }
  return Primary();
}

Answer ExpressionParser::Applied(Op op) {
  Answer power;
  bool powered = false;
  if (Eat("^")) {
    power = Exponent();
    powered = true;
    if (IsMinusOne(power) && Inverse(op) != op) {
      op = Inverse(op);
      powered = false;
    }
  }
  Answer call = Called(op);
  return powered ? Scalar(Op::kPower, Parts(std::move(call), std::move(power))) : call;
}

Answer ExpressionParser::Called(Op op) {
  const bool many = op == Op::kGcd || op == Op::kLcm || op == Op::kMin || op == Op::kMax;
  if (many || op == Op::kBinomial) {
    Expect("(");
    std::vector<Answer> arguments = Items(")");
    if (op == Op::kBinomial && arguments.size() != 2) return Fail();
    return Scalar(op, std::move(arguments));
  }
  return Scalar(op, Parts(Argument()));
}

Answer ExpressionParser::Argument() {
  if (At("(") || At("{") || At("[")) {
    Answer group = Primary();
    // sin(x)^2 squares the sine; \sin{x}^2 is rare enough to be read the same way.
    return group;
  }
  if (Peek().type == TokenType::kFunction && Functions().count(Peek().text) == 0 &&
      Peek().text != "pi" && Peek().text != "frac" && Peek().text != "sqrt" &&
      Peek().text != "infty") {
    return Power();
  }
  const bool negative = Eat("-");
  Answer argument = Power();
  while (!failed_ && ContinuesArgument()) argument = Times(std::move(argument), Power());
  // \cos\pi/3 divides the angle, \ln 2/3 the logarithm.
  const bool angle = tokens_[position_ - 1].text == "pi";
  if (!failed_ && angle && At("/") && Peek(1).type == TokenType::kNumber) {
    ++position_;
    argument = Scalar(Op::kDivide, Parts(std::move(argument), Power()));
  }
  return negative ? Scalar(Op::kNegate, Parts(std::move(argument))) : argument;
}

bool ExpressionParser::ContinuesArgument() const {
  const Token& token = Peek();
  if (token.type == TokenType::kVariable) return !token.in_text;
  return token.type == TokenType::kFunction && (token.text == "pi" || token.text == "sqrt");
}

Answer ExpressionParser::Series(Op op) {
  Expect("_");
  Expect("{");
  if (Peek().type != TokenType::kVariable) return Fail();
  Answer index = MakeScalar(Op::kVariable, {}, Peek().text);
  ++position_;
  if (Peek().type != TokenType::kRelation || Peek().text != "=") return Fail();
  ++position_;
  Answer from = Sum();
  Expect("}");
  Expect("^");
  Answer to = Exponent();
  Answer body = Product();
  std::vector<Answer> parts;
  // i is the index here, not the imaginary unit.
  if (index.text == "i" || index.text == "e") NameConstant(index.text, &body);
  parts.push_back(std::move(index));
  parts.push_back(std::move(from));
  parts.push_back(std::move(to));
  parts.push_back(std::move(body));
  return Scalar(op, std::move(parts));
}

void ExpressionParser::NameConstant(const std::string& name, Answer* answer) {
  const Op op = name == "i" ? Op::kI : Op::kE;
  if (answer->form == AnswerForm::kScalar && answer->op == op) {
    answer->op = Op::kVariable;
    answer->text = name;
  }
  for (Answer& part : answer->parts) NameConstant(name, &part);
}

}  // namespace grpo
