#include "reward/math/expression_parser.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

#include "reward/math/matrix.h"
#include "reward/math/parser.h"
#include "reward/math/unit.h"

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

bool IsDigits(const Answer& answer) {
  return answer.form == AnswerForm::kScalar && answer.op == Op::kNumber &&
         answer.text.find('.') == std::string::npos;
}

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

class ExpressionParser {
 public:
  explicit ExpressionParser(const std::vector<Token>& tokens) : tokens_(tokens) {}

  absl::optional<Answer> Parse() {
    Answer answer = List();
    if (failed_ || Peek().type != TokenType::kEnd) return absl::nullopt;
    return answer;
  }

 private:
  // ---- tokens
  const Token& Peek(size_t ahead = 0) const {
    return tokens_[std::min(position_ + ahead, tokens_.size() - 1)];
  }
  bool At(absl::string_view symbol, size_t ahead = 0) const {
    return Peek(ahead).type == TokenType::kSymbol && Peek(ahead).text == symbol;
  }
  bool AtFunction(absl::string_view name) const {
    return Peek().type == TokenType::kFunction && Peek().text == name;
  }
  bool Eat(absl::string_view symbol) {
    if (!At(symbol)) return false;
    ++position_;
    return true;
  }
  void Expect(absl::string_view symbol) {
    if (!Eat(symbol)) failed_ = true;
  }
  Answer Fail() {
    failed_ = true;
    return Answer();
  }

  // ---- results
  Answer Scalar(Op op, std::vector<Answer> parts, std::string text = "") {
    for (const Answer& part : parts) {
      if (part.form != AnswerForm::kScalar) failed_ = true;
    }
    CountNode();
    return MakeScalar(op, std::move(parts), std::move(text));
  }
  void CountNode() {
    if (++nodes_ > kMaxAnswerNodes) failed_ = true;
  }

  // ---- lists: the items of an answer, separated by commas, semicolons, "and", "or"
  static bool SeparatesWeakly(const Token& token) {
    return token.type == TokenType::kSymbol && token.text == ",";
  }
  static bool Separates(const Token& token) {
    return token.type == TokenType::kJoiner ||
           (token.type == TokenType::kSymbol &&
            (token.text == "," || token.text == ";" || token.text == "row"));
  }

  Answer List() {
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

  // "1,2;3,4" is two pairs; without semicolons every item stands for itself.
  Answer Grouped(std::vector<std::vector<Answer>> groups, bool semicolons) {
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

  Answer Item() {
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

  // ---- unions and differences of sets
  Answer SetExpression() {
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

  Answer Ratio() {
    Answer first = Quantity();
    if (!At(":") || in_set_) return first;
    Answer ratio = MakeForm(AnswerForm::kRatio, {});
    ratio.parts.push_back(std::move(first));
    while (!failed_ && Eat(":")) ratio.parts.push_back(Quantity());
    return ratio;
  }

  // ---- a value and its unit
  Answer Quantity() {
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

  static std::vector<Answer> Parts(Answer a) {
    std::vector<Answer> parts;
    parts.push_back(std::move(a));
    return parts;
  }
  static std::vector<Answer> Parts(Answer a, Answer b) {
    std::vector<Answer> parts;
    parts.push_back(std::move(a));
    parts.push_back(std::move(b));
    return parts;
  }

  std::string UnitText() {
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

  // ---- sums
  Answer Sum() {
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

  void AddTerm(Answer term, bool negative, std::vector<Answer>* terms) {
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

  // ---- products
  Answer Product() {
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

  // A number right behind a number or a name would be a misread one, never a product.
  static bool MayPrecedeNumber(const Answer& left) {
    const Answer* last = &left;
    while (last->form == AnswerForm::kScalar && last->op == Op::kMultiply) {
      last = &last->parts.back();
    }
    return last->form == AnswerForm::kScalar && last->op == Op::kPower;
  }

  Answer Times(Answer left, Answer right) {
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

  bool StartsFactor() const {
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

  // A factor with its signs: 2 * -3.
  Answer Factor() {
    if (Eat("+")) return Power();
    if (Eat("-")) return Scalar(Op::kNegate, Parts(Power()));
    return Power();
  }

  // ---- powers and what stands behind a base
  Answer Power() {
    if (++depth_ > kMaxAnswerDepth) return Fail();
    Answer base = Primary();
    while (!failed_) {
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

  Answer Raised(Answer base) {
    if (Eat("circ") || Eat("degree")) return Scalar(Op::kDegrees, Parts(std::move(base)));
    if (At("{") && (At("circ", 1) || At("degree", 1)) && At("}", 2)) {
      position_ += 3;
      return Scalar(Op::kDegrees, Parts(std::move(base)));
    }
    if (Eat("'")) return Fail();
    return Scalar(Op::kPower, Parts(std::move(base), Exponent()));
  }

  // One factor with a sign; 2^3^2 is 2^(3^2).
  Answer Exponent() {
    if (++depth_ > kMaxAnswerDepth) return Fail();
    const bool negative = Eat("-");
    if (!negative) Eat("+");
    Answer exponent = Primary();
    if (Eat("^")) exponent = Raised(std::move(exponent));
    --depth_;
    if (negative) exponent = Scalar(Op::kNegate, Parts(std::move(exponent)));
    return exponent;
  }

  // ---- primaries
  Answer Primary() {
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

  Answer Words() {
    std::string words;
    while (Peek().type == TokenType::kWord || Peek().type == TokenType::kVariable) {
      absl::StrAppend(&words, words.empty() ? "" : " ", absl::AsciiStrToLower(Peek().text));
      ++position_;
    }
    return MakeForm(AnswerForm::kText, {}, std::move(words));
  }

  Answer Number() {
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

  // 0.\overline{3}, 0.1\dot{6}, 0.(3).
  absl::optional<Answer> Repeating(const std::string& digits) {
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

  static bool IsDigitText(absl::string_view text) {
    return !text.empty() && text.find('.') == absl::string_view::npos;
  }

  // 1010_2, 1A_{16} is not read, 204_{five}.
  Answer Based(const std::string& digits) {
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

  // 3\frac{1}{2} and "3 1/2": an integer before a proper fraction of integers.
  Answer Mixed(Answer whole) {
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

  // Whether a \frac of two integers, the first one smaller, comes next. Looks at tokens only, so
  // that nothing is parsed twice.
  bool ProperFractionAhead() const {
    size_t ahead = 1;
    std::string parts[2];
    if (Peek(1).type == TokenType::kNumber && Peek(1).text.size() == 2 &&
        IsDigitText(Peek(1).text)) {
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

  static bool IsProper(const Answer& fraction) {
    int64_t numerator = 0, denominator = 0;
    return IsDigits(fraction.parts[0]) && IsDigits(fraction.parts[1]) &&
           absl::SimpleAtoi(fraction.parts[0].text, &numerator) &&
           absl::SimpleAtoi(fraction.parts[1].text, &denominator) && numerator < denominator;
  }

  Answer Variable() {
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

  // _1, _{12}, _{n-1} as text.
  std::string Subscript() {
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

  // f(x) is a call, x(x+1) a product; a capital letter is called with a name or a number.
  bool IsCall(const std::string& name) const {
    if (!At("(") || name.empty()) return false;
    const char letter = name[0];
    if (letter == 'f' || letter == 'g' || letter == 'h') return true;
    if (!absl::ascii_isupper(letter) && letter != 'p' && letter != 'q') return false;
    return (Peek(1).type == TokenType::kVariable || Peek(1).type == TokenType::kNumber) &&
           (At(")", 2) || At(",", 2));
  }

  // ---- functions
  Answer Function() {
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

  // \overline{AB}: a segment's length, a name.
  Answer Segment() {
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

  // \frac12, \frac1{72}, \frac{a}{b}: each part is a digit, a letter or a group.
  Answer TwoParts(Op op) {
    if (Peek().type == TokenType::kNumber && Peek().text.size() == 2 && IsDigitText(Peek().text)) {
      const std::string digits = Peek().text;
      ++position_;
      return Scalar(op, Parts(MakeNumber(digits.substr(0, 1)), MakeNumber(digits.substr(1))));
    }
    Answer first = OnePart();
    return Scalar(op, Parts(std::move(first), OnePart()));
  }

  Answer OnePart() {
    if (Peek().type != TokenType::kNumber) return Primary();
    if (Peek().text.size() > 1) return Fail();
    ++position_;
    return MakeNumber(tokens_[position_ - 1].text);
  }

  Answer Root() {
    Answer degree = MakeNumber("2");
    if (Eat("[")) {
      degree = Sum();
      Expect("]");
    }
    Answer radicand = Primary();
    return Scalar(Op::kRoot, Parts(std::move(radicand), std::move(degree)));
  }

  // \ln x, \log_{2} 8, log(x, 2); a logarithm without a base is decimal in LaTeX and natural in the
  // text of an algebra system, log(x).
  Answer Log(const std::string& name) {
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

  // The base of a logarithm: a number, a letter or a group.
  Answer Subordinate() {
    if (Peek().type == TokenType::kNumber) {
      ++position_;
      return MakeNumber(tokens_[position_ - 1].text);
    }
    return Primary();
  }

  Answer Applied(Op op) {
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

  Answer Called(Op op) {
    const bool many = op == Op::kGcd || op == Op::kLcm || op == Op::kMin || op == Op::kMax;
    if (many || op == Op::kBinomial) {
      Expect("(");
      std::vector<Answer> arguments = Items(")");
      if (op == Op::kBinomial && arguments.size() != 2) return Fail();
      return Scalar(op, std::move(arguments));
    }
    return Scalar(op, Parts(Argument()));
  }

  // What a function without brackets applies to: \sin 2x\cos y is (sin 2x)(cos y).
  Answer Argument() {
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

  bool ContinuesArgument() const {
    const Token& token = Peek();
    if (token.type == TokenType::kVariable) return !token.in_text;
    return token.type == TokenType::kFunction && (token.text == "pi" || token.text == "sqrt");
  }

  // \sum_{k=1}^{n} a_k, with the term as far as the product goes.
  Answer Series(Op op) {
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

  static void NameConstant(const std::string& name, Answer* answer) {
    const Op op = name == "i" ? Op::kI : Op::kE;
    if (answer->form == AnswerForm::kScalar && answer->op == op) {
      answer->op = Op::kVariable;
      answer->text = name;
    }
    for (Answer& part : answer->parts) NameConstant(name, &part);
  }

  // ---- brackets
  Answer Bracketed() {
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

  Answer Enclosed(Op op, absl::string_view close) {
    Answer inside = Sum();
    Expect(close);
    return Scalar(op, Parts(std::move(inside)));
  }

  // The items up to the closing bracket, which is eaten.
  std::vector<Answer> Items(absl::string_view close) {
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

  // (a), (a, b), [a, b), [a].
  Answer Round(bool left_closed) {
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

  // {a} groups, {a, b} lists, {a \over b} divides.
  Answer Braces() {
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

  Answer SetBraces() {
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

  Answer Angles() {
    Answer tuple = MakeForm(AnswerForm::kTuple, Items(">>"));
    tuple.angled = true;
    return tuple;
  }

  // ---- matrices
  Answer Environment(const std::string& name) {
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

  bool AtEndOfEnvironment() const {
    return Peek().type == TokenType::kFunction && absl::StartsWith(Peek().text, "end ");
  }

  const std::vector<Token>& tokens_;
  size_t position_ = 0;
  int depth_ = 0, nodes_ = 0;
  int absolutes_ = 0;    // open | bars
  bool in_set_ = false;  // directly inside \{ \}, where a bar or colon ends the element
  bool failed_ = false;
};

}  // namespace

absl::optional<Answer> ParseTokens(const std::vector<Token>& tokens) {
  return ExpressionParser(tokens).Parse();
}

}  // namespace grpo
