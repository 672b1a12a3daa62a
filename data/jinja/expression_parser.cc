#include "data/jinja/expression_parser.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"

#include "data/json.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

// Nesting of the text (brackets, blocks) and of the tree (chains of operators too).
constexpr int kMaxDepth = 200;

int DepthOf(const ExpressionPointer& expression) {
  return expression == nullptr ? 0 : expression->depth;
}

int DepthOf(const Expressions& expressions) {
  int depth = 0;
  for (const ExpressionPointer& expression : expressions) {
    depth = std::max(depth, DepthOf(expression));
  }
  return depth;
}

int DepthOf(const CallArguments& arguments) {
  int depth = std::max({DepthOf(arguments.positional), DepthOf(arguments.more_positional),
                        DepthOf(arguments.more_named)});
  for (const auto& [name, value] : arguments.named) depth = std::max(depth, DepthOf(value));
  return depth;
}

absl::optional<ComparisonOperator> AsComparison(const Token& token) {
  static constexpr std::pair<absl::string_view, ComparisonOperator> kSymbols[] = {
      {"==", ComparisonOperator::kEqual},  {"!=", ComparisonOperator::kNotEqual},
      {"<", ComparisonOperator::kLess},    {"<=", ComparisonOperator::kLessEqual},
      {">", ComparisonOperator::kGreater}, {">=", ComparisonOperator::kGreaterEqual},
  };
  for (const auto& [symbol, op] : kSymbols) {
    if (token.IsOperator(symbol)) return op;
  }
  return absl::nullopt;
}

Value StringValue(std::string text) {
  return Value::Of(std::make_shared<const std::string>(std::move(text)));
}

}  // namespace

const Token& ExpressionParser::Following() const {
  return tokens_[std::min(position_ + 1, tokens_.size() - 1)];
}

Token ExpressionParser::Take() {
  const Token token = tokens_[position_];
  if (position_ + 1 < tokens_.size()) ++position_;
  return token;
}

bool ExpressionParser::TakeName(absl::string_view name) {
  if (!Current().IsName(name)) return false;
  Take();
  return true;
}

bool ExpressionParser::TakeOperator(absl::string_view symbol) {
  if (!Current().IsOperator(symbol)) return false;
  Take();
  return true;
}

absl::Status ExpressionParser::ExpectOperator(absl::string_view symbol) {
  return TakeOperator(symbol) ? absl::OkStatus() : Unexpected(absl::StrCat("'", symbol, "'"));
}

absl::Status ExpressionParser::ExpectName(absl::string_view name) {
  return TakeName(name) ? absl::OkStatus() : Unexpected(absl::StrCat("'", name, "'"));
}

absl::StatusOr<std::string> ExpressionParser::ExpectAnyName() {
  if (Current().kind != TokenKind::kName) return Unexpected("a name");
  return Take().text;
}

absl::Status ExpressionParser::Expect(TokenKind kind, absl::string_view description) {
  if (Current().kind != kind) return Unexpected(description);
  Take();
  return absl::OkStatus();
}

absl::Status ExpressionParser::ErrorAt(int line, absl::string_view problem) const {
  return absl::InvalidArgumentError(absl::StrCat(origin_, ":", line, ": ", problem));
}

absl::Status ExpressionParser::Unexpected(absl::string_view expected) const {
  return Error(absl::StrCat("expected ", expected, ", found ", Describe(Current())));
}

absl::Status ExpressionParser::CheckDepth() const {
  if (depth_ <= kMaxDepth) return absl::OkStatus();
  return Error(absl::StrCat("nested more than ", kMaxDepth, " levels deep"));
}

ExpressionParser::Parsed ExpressionParser::Make(int line, int child_depth, Expression::Node node) {
  if (child_depth >= kMaxDepth) {
    return ErrorAt(line, absl::StrCat("an expression of more than ", kMaxDepth, " levels"));
  }
  return std::make_unique<const Expression>(Expression{line, child_depth + 1, std::move(node)});
}

void ExpressionParser::NoteUnknown(int line, std::string problem) {
  if (!allows_unknown_) unknown_names_.push_back(ErrorAt(line, problem));
}

ExpressionParser::Parsed ExpressionParser::ParseExpression() {
  const Level level(this);
  RETURN_IF_ERROR(CheckDepth());
  const int line = Current().line;
  const size_t unknown_before = unknown_names_.size();
  ASSIGN_OR_RETURN(ExpressionPointer value, ParseOr());
  while (TakeName("if")) {
    ASSIGN_OR_RETURN(ExpressionPointer condition, ParseOr());
    ExpressionPointer otherwise;
    if (TakeName("else")) {
      ASSIGN_OR_RETURN(otherwise, ParseExpression());
    }
    unknown_names_.resize(unknown_before);
    const int depth = std::max({DepthOf(value), DepthOf(condition), DepthOf(otherwise)});
    ASSIGN_OR_RETURN(
        value, Make(line, depth,
                    Conditional{std::move(condition), std::move(value), std::move(otherwise)}));
  }
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseOr() {
  ASSIGN_OR_RETURN(ExpressionPointer left, ParseAnd());
  while (Current().IsName("or")) {
    const int line = Take().line;
    ASSIGN_OR_RETURN(ExpressionPointer right, ParseAnd());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ASSIGN_OR_RETURN(left, Make(line, depth, Logical{false, std::move(left), std::move(right)}));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::ParseAnd() {
  ASSIGN_OR_RETURN(ExpressionPointer left, ParseNot());
  while (Current().IsName("and")) {
    const int line = Take().line;
    ASSIGN_OR_RETURN(ExpressionPointer right, ParseNot());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ASSIGN_OR_RETURN(left, Make(line, depth, Logical{true, std::move(left), std::move(right)}));
  }
  return left;
}

ExpressionParser::Parsed ExpressionParser::ParseNot() {
  if (!Current().IsName("not")) return ParseComparison();
  const Level level(this);
  RETURN_IF_ERROR(CheckDepth());
  const int line = Take().line;
  ASSIGN_OR_RETURN(ExpressionPointer operand, ParseNot());
  const int depth = DepthOf(operand);
  return Make(line, depth, Unary{Unary::Operator::kNot, std::move(operand)});
}

ExpressionParser::Parsed ExpressionParser::ParseComparison() {
  const int line = Current().line;
  ASSIGN_OR_RETURN(ExpressionPointer first, ParseSum());
  std::vector<Comparison::Step> steps;
  int depth = DepthOf(first);
  while (true) {
    Comparison::Step step;
    step.op = AsComparison(Current());
    const bool is_not_in = Current().IsName("not") && Following().IsName("in");
    if (!step.op.has_value() && !is_not_in && !Current().IsName("in")) break;
    step.negated = is_not_in;
    if (is_not_in) Take();
    Take();
    ASSIGN_OR_RETURN(step.operand, ParseSum());
    depth = std::max(depth, DepthOf(step.operand));
    steps.push_back(std::move(step));
  }
  if (steps.empty()) return first;
  return Make(line, depth, Comparison{std::move(first), std::move(steps)});
}

ExpressionParser::Parsed ExpressionParser::ParseLeftToRight(
    std::initializer_list<OperatorSymbol> operators, Parsed (ExpressionParser::*parse_operand)()) {
  const int line = Current().line;
  ASSIGN_OR_RETURN(ExpressionPointer left, (this->*parse_operand)());
  while (true) {
    const auto found = std::find_if(
        operators.begin(), operators.end(),
        [this](const OperatorSymbol& candidate) { return Current().IsOperator(candidate.symbol); });
    if (found == operators.end()) return left;
    Take();
    ASSIGN_OR_RETURN(ExpressionPointer right, (this->*parse_operand)());
    const int depth = std::max(DepthOf(left), DepthOf(right));
    ASSIGN_OR_RETURN(left, Make(line, depth, Binary{found->op, std::move(left), std::move(right)}));
  }
}

ExpressionParser::Parsed ExpressionParser::ParseSum() {
  return ParseLeftToRight({{"+", ArithmeticOperator::kAdd}, {"-", ArithmeticOperator::kSubtract}},
                          &ExpressionParser::ParseConcatenation);
}

ExpressionParser::Parsed ExpressionParser::ParseConcatenation() {
  const int line = Current().line;
  Expressions parts;
  do {
    ASSIGN_OR_RETURN(parts.emplace_back(), ParseProduct());
  } while (TakeOperator("~"));
  if (parts.size() == 1) return std::move(parts[0]);
  const int depth = DepthOf(parts);
  return Make(line, depth, Concatenation{std::move(parts)});
}

ExpressionParser::Parsed ExpressionParser::ParseProduct() {
  return ParseLeftToRight({{"*", ArithmeticOperator::kMultiply},
                           {"/", ArithmeticOperator::kDivide},
                           {"//", ArithmeticOperator::kFloorDivide},
                           {"%", ArithmeticOperator::kModulo}},
                          &ExpressionParser::ParsePower);
}

ExpressionParser::Parsed ExpressionParser::ParsePower() {
  return ParseLeftToRight({{"**", ArithmeticOperator::kPower}},
                          &ExpressionParser::ParseUnaryWithFilters);
}

ExpressionParser::Parsed ExpressionParser::ParseUnary(bool with_filters) {
  const Level level(this);
  RETURN_IF_ERROR(CheckDepth());
  ExpressionPointer value;
  if (Current().IsOperator("-") || Current().IsOperator("+")) {
    const Token sign = Take();
    ASSIGN_OR_RETURN(ExpressionPointer operand, ParseUnary(/*with_filters=*/false));
    const auto op = sign.text == "-" ? Unary::Operator::kMinus : Unary::Operator::kPlus;
    const int depth = DepthOf(operand);
    ASSIGN_OR_RETURN(value, Make(sign.line, depth, Unary{op, std::move(operand)}));
  } else {
    ASSIGN_OR_RETURN(value, ParsePrimary());
  }
  ASSIGN_OR_RETURN(value, ParsePostfix(std::move(value)));
  if (!with_filters) return value;
  return ParseFilterChain(std::move(value));
}

ExpressionParser::Parsed ExpressionParser::ParsePrimary() {
  const int line = Current().line;
  switch (Current().kind) {
    case TokenKind::kName:
      return ParseName();
    case TokenKind::kString:
      return ParseStrings();
    case TokenKind::kInteger:
      return Make(line, 0, Literal{Value::Int(Take().integer)});
    case TokenKind::kFloat:
      return Make(line, 0, Literal{Value::Float(Take().number)});
    default:
      break;
  }
  if (TakeOperator("(")) {
    ASSIGN_OR_RETURN(ExpressionPointer inner, ParseTuple(/*with_conditional=*/true,
                                                         /*in_parentheses=*/true));
    RETURN_IF_ERROR(ExpectOperator(")"));
    return inner;
  }
  if (Current().IsOperator("[")) return ParseList();
  if (Current().IsOperator("{")) return ParseDict();
  return Unexpected("an expression");
}

ExpressionParser::Parsed ExpressionParser::ParseName() {
  const Token token = Take();
  if (token.text == "true" || token.text == "True") {
    return Make(token.line, 0, Literal{Value::Bool(true)});
  }
  if (token.text == "false" || token.text == "False") {
    return Make(token.line, 0, Literal{Value::Bool(false)});
  }
  if (token.text == "none" || token.text == "None") return Make(token.line, 0, Literal{Value()});
  for (SpecialNames& macro : macros_) {
    macro.caller |= token.text == "caller";
    macro.kwargs |= token.text == "kwargs";
    macro.varargs |= token.text == "varargs";
  }
  return Make(token.line, 0, Name{token.text});
}

ExpressionParser::Parsed ExpressionParser::ParseStrings() {
  const int line = Current().line;
  std::string text;  // of several literals in a row
  while (Current().kind == TokenKind::kString) text += Take().text;
  return Make(line, 0, Literal{StringValue(std::move(text))});
}

ExpressionParser::Parsed ExpressionParser::ParseList() {
  const int line = Take().line;
  Expressions items;
  while (!Current().IsOperator("]")) {
    if (!items.empty()) RETURN_IF_ERROR(ExpectOperator(","));
    if (Current().IsOperator("]")) break;
    ASSIGN_OR_RETURN(items.emplace_back(), ParseExpression());
  }
  RETURN_IF_ERROR(ExpectOperator("]"));
  const int depth = DepthOf(items);
  return Make(line, depth, SequenceLiteral{/*is_tuple=*/false, std::move(items)});
}

ExpressionParser::Parsed ExpressionParser::ParseDict() {
  const int line = Take().line;
  DictLiteral dict;
  int depth = 0;
  while (!Current().IsOperator("}")) {
    if (!dict.entries.empty()) RETURN_IF_ERROR(ExpectOperator(","));
    if (Current().IsOperator("}")) break;
    ASSIGN_OR_RETURN(ExpressionPointer key, ParseExpression());
    RETURN_IF_ERROR(ExpectOperator(":"));
    ASSIGN_OR_RETURN(ExpressionPointer value, ParseExpression());
    depth = std::max({depth, DepthOf(key), DepthOf(value)});
    dict.entries.emplace_back(std::move(key), std::move(value));
  }
  RETURN_IF_ERROR(ExpectOperator("}"));
  return Make(line, depth, std::move(dict));
}

bool ExpressionParser::AtTupleEnd() const {
  return Current().kind == TokenKind::kOutputEnd || Current().kind == TokenKind::kBlockEnd ||
         Current().IsOperator(")");
}

ExpressionParser::Parsed ExpressionParser::ParseTuple(bool with_conditional, bool in_parentheses) {
  const int line = Current().line;
  Expressions items;
  bool is_tuple = false;
  while (!AtTupleEnd()) {
    ASSIGN_OR_RETURN(items.emplace_back(), with_conditional ? ParseExpression() : ParseOr());
    if (!TakeOperator(",")) break;
    is_tuple = true;
  }
  if (!is_tuple && items.size() == 1) return std::move(items[0]);
  if (!is_tuple && !in_parentheses) return Unexpected("an expression");
  const int depth = DepthOf(items);
  return Make(line, depth, SequenceLiteral{/*is_tuple=*/true, std::move(items)});
}

ExpressionParser::Parsed ExpressionParser::ParsePostfix(ExpressionPointer value) {
  while (true) {
    if (Current().IsOperator(".")) {
      ASSIGN_OR_RETURN(value, ParseDot(std::move(value)));
    } else if (Current().IsOperator("[")) {
      ASSIGN_OR_RETURN(value, ParseBrackets(std::move(value)));
    } else if (Current().IsOperator("(")) {
      ASSIGN_OR_RETURN(value, ParseCall(std::move(value)));
    } else {
      return value;
    }
  }
}

ExpressionParser::Parsed ExpressionParser::ParseFilterChain(ExpressionPointer value) {
  while (true) {
    if (TakeOperator("|")) {
      ASSIGN_OR_RETURN(value, ParseFilter(std::move(value)));
    } else if (TakeName("is")) {
      ASSIGN_OR_RETURN(value, ParseTest(std::move(value)));
    } else if (Current().IsOperator("(")) {
      ASSIGN_OR_RETURN(value, ParseCall(std::move(value)));
    } else {
      return value;
    }
  }
}

ExpressionParser::Parsed ExpressionParser::ParseDot(ExpressionPointer object) {
  const int line = Take().line;
  const Token token = Current();
  const int depth = DepthOf(object);
  if (token.kind == TokenKind::kName) {
    Take();
    return Make(line, depth, AttributeAccess{std::move(object), token.text});
  }
  if (token.kind != TokenKind::kInteger) return Unexpected("a name or a number");
  Take();
  ASSIGN_OR_RETURN(ExpressionPointer index, Make(line, 0, Literal{Value::Int(token.integer)}));
  return Make(line, depth, ItemAccess{std::move(object), std::move(index)});
}

ExpressionParser::Parsed ExpressionParser::ParseSliceBound() {
  if (Current().IsOperator(":") || Current().IsOperator("]")) return ExpressionPointer();
  return ParseExpression();
}

ExpressionParser::Parsed ExpressionParser::ParseSliceRest(ExpressionPointer object,
                                                          ExpressionPointer start, int line) {
  ASSIGN_OR_RETURN(ExpressionPointer stop, ParseSliceBound());
  ExpressionPointer step;
  if (TakeOperator(":")) {
    ASSIGN_OR_RETURN(step, ParseSliceBound());
  }
  RETURN_IF_ERROR(ExpectOperator("]"));
  const int depth = std::max({DepthOf(object), DepthOf(start), DepthOf(stop), DepthOf(step)});
  return Make(line, depth,
              SliceAccess{std::move(object), std::move(start), std::move(stop), std::move(step)});
}

ExpressionParser::Parsed ExpressionParser::ParseBrackets(ExpressionPointer object) {
  const int line = Take().line;
  if (TakeOperator(":")) return ParseSliceRest(std::move(object), nullptr, line);
  Expressions keys;
  while (!Current().IsOperator("]")) {
    if (!keys.empty()) RETURN_IF_ERROR(ExpectOperator(","));
    ASSIGN_OR_RETURN(keys.emplace_back(), ParseExpression());
    if (keys.size() == 1 && TakeOperator(":")) {
      return ParseSliceRest(std::move(object), std::move(keys[0]), line);
    }
  }
  RETURN_IF_ERROR(ExpectOperator("]"));
  const int depth = std::max(DepthOf(object), DepthOf(keys) + 1);
  ExpressionPointer key;
  if (keys.size() == 1) {
    key = std::move(keys[0]);
  } else {
    ASSIGN_OR_RETURN(key, Make(line, depth, SequenceLiteral{/*is_tuple=*/true, std::move(keys)}));
  }
  return Make(line, std::max(depth, DepthOf(key)), ItemAccess{std::move(object), std::move(key)});
}

ExpressionParser::Parsed ExpressionParser::ParseCall(ExpressionPointer function) {
  const int line = Current().line;
  ASSIGN_OR_RETURN(CallArguments arguments, ParseArguments());
  const int depth = std::max(DepthOf(function), DepthOf(arguments));
  return Make(line, depth, CallExpression{std::move(function), std::move(arguments)});
}

absl::StatusOr<CallArguments> ExpressionParser::ParseArguments() {
  const int line = Current().line;
  RETURN_IF_ERROR(ExpectOperator("("));
  CallArguments arguments;
  bool is_first = true;
  while (!Current().IsOperator(")")) {
    if (!is_first) {
      RETURN_IF_ERROR(ExpectOperator(","));
      if (Current().IsOperator(")")) break;
    }
    RETURN_IF_ERROR(ParseArgument(&arguments, line));
    is_first = false;
  }
  RETURN_IF_ERROR(ExpectOperator(")"));
  absl::flat_hash_set<std::string> names;
  for (const auto& [name, value] : arguments.named) {
    if (!names.insert(name).second) {
      return ErrorAt(line, absl::StrCat("the argument '", name, "' is given twice"));
    }
  }
  return arguments;
}

absl::Status ExpressionParser::ParseArgument(CallArguments* arguments, int line) {
  const bool has_more_named = arguments->more_named != nullptr;
  const bool has_more_positional = arguments->more_positional != nullptr;
  if (TakeOperator("*")) {
    if (has_more_positional || has_more_named) return ErrorAt(line, "a second * in a call");
    ASSIGN_OR_RETURN(arguments->more_positional, ParseExpression());
    return absl::OkStatus();
  }
  if (TakeOperator("**")) {
    if (has_more_named) return ErrorAt(line, "a second ** in a call");
    ASSIGN_OR_RETURN(arguments->more_named, ParseExpression());
    return absl::OkStatus();
  }
  if (Current().kind == TokenKind::kName && Following().IsOperator("=")) {
    if (has_more_named) return ErrorAt(line, "an argument behind **");
    std::string name = Take().text;
    Take();
    ASSIGN_OR_RETURN(ExpressionPointer value, ParseExpression());
    arguments->named.emplace_back(std::move(name), std::move(value));
    return absl::OkStatus();
  }
  if (has_more_positional || has_more_named || !arguments->named.empty()) {
    return ErrorAt(line, "an argument by position behind arguments by name");
  }
  ASSIGN_OR_RETURN(arguments->positional.emplace_back(), ParseExpression());
  return absl::OkStatus();
}

ExpressionParser::Parsed ExpressionParser::ParseFilters(ExpressionPointer value) {
  while (TakeOperator("|")) {
    ASSIGN_OR_RETURN(value, ParseFilter(std::move(value)));
  }
  return value;
}

ExpressionParser::Parsed ExpressionParser::ParseFilter(ExpressionPointer value) {
  const int line = Current().line;
  FilterExpression filter;
  ASSIGN_OR_RETURN(filter.name, ExpectAnyName());
  while (TakeOperator(".")) {
    ASSIGN_OR_RETURN(const std::string part, ExpectAnyName());
    absl::StrAppend(&filter.name, ".", part);
  }
  filter.filter = FindFilter(filter.name);
  if (filter.filter == nullptr) {
    NoteUnknown(line, absl::StrCat("there is no filter '", QuoteForMessage(filter.name), "'"));
  }
  if (Current().IsOperator("(")) {
    ASSIGN_OR_RETURN(filter.arguments, ParseArguments());
  }
  const int depth = std::max(DepthOf(value), DepthOf(filter.arguments));
  filter.value = std::move(value);
  return Make(line, depth, std::move(filter));
}

bool ExpressionParser::AtTestArgument() const {
  switch (Current().kind) {
    case TokenKind::kName:
      return !Current().IsName("else") && !Current().IsName("or") && !Current().IsName("and");
    case TokenKind::kString:
    case TokenKind::kInteger:
    case TokenKind::kFloat:
      return true;
    default:
      return Current().IsOperator("[") || Current().IsOperator("{");
  }
}

ExpressionParser::Parsed ExpressionParser::ParseTest(ExpressionPointer value) {
  const int line = Current().line;
  const bool negated = TakeName("not");
  TestExpression test;
  ASSIGN_OR_RETURN(test.name, ExpectAnyName());
  while (TakeOperator(".")) {
    ASSIGN_OR_RETURN(const std::string part, ExpectAnyName());
    absl::StrAppend(&test.name, ".", part);
  }
  test.test = FindTest(test.name);
  if (test.test == nullptr) {
    NoteUnknown(line, absl::StrCat("there is no test '", QuoteForMessage(test.name), "'"));
  }
  if (Current().IsOperator("(")) {
    ASSIGN_OR_RETURN(test.arguments, ParseArguments());
  } else if (AtTestArgument()) {
    if (Current().IsName("is")) return Error("a second 'is' behind a test");
    ASSIGN_OR_RETURN(ExpressionPointer argument, ParsePrimary());
    ASSIGN_OR_RETURN(test.arguments.positional.emplace_back(), ParsePostfix(std::move(argument)));
  }
  const int depth = std::max(DepthOf(value), DepthOf(test.arguments));
  test.value = std::move(value);
  ASSIGN_OR_RETURN(ExpressionPointer tested, Make(line, depth, std::move(test)));
  if (!negated) return tested;
  return Make(line, depth + 1, Unary{Unary::Operator::kNot, std::move(tested)});
}

absl::StatusOr<Target> ExpressionParser::ParseTargetPart(bool with_attributes) {
  const Level level(this);
  RETURN_IF_ERROR(CheckDepth());
  Target target;
  if (TakeOperator("(")) {
    ASSIGN_OR_RETURN(target.parts, ParseTargets(/*with_attributes=*/false, &target.is_tuple));
    RETURN_IF_ERROR(ExpectOperator(")"));
    if (!target.is_tuple && target.parts.size() == 1) return std::move(target.parts[0]);
    target.is_tuple = true;
    return target;
  }
  const int line = Current().line;
  if (Current().kind != TokenKind::kName) return Unexpected("a name to assign to");
  target.name = Take().text;
  for (const absl::string_view constant : {"true", "false", "none", "True", "False", "None"}) {
    if (target.name == constant) {
      return ErrorAt(line, absl::StrCat("cannot assign to '", constant, "'"));
    }
  }
  if (with_attributes && TakeOperator(".")) {
    ASSIGN_OR_RETURN(target.attribute, ExpectAnyName());
  } else if (target.name == "loop" && loops_in_all_ > 0) {
    return ErrorAt(line, "cannot assign to 'loop' within a loop");
  }
  return target;
}

absl::StatusOr<std::vector<Target>> ExpressionParser::ParseTargets(bool with_attributes,
                                                                   bool* is_tuple) {
  std::vector<Target> targets;
  while (!AtTupleEnd()) {
    ASSIGN_OR_RETURN(targets.emplace_back(), ParseTargetPart(with_attributes));
    if (!TakeOperator(",")) break;
    *is_tuple = true;
  }
  return targets;
}

absl::StatusOr<Target> ExpressionParser::ParseTarget(bool with_attributes) {
  Target target;
  ASSIGN_OR_RETURN(target.parts, ParseTargets(with_attributes, &target.is_tuple));
  if (target.is_tuple) return target;
  if (target.parts.empty()) return Unexpected("a name to assign to");
  Target only = std::move(target.parts[0]);
  return only;
}

}  // namespace grpo::jinja
