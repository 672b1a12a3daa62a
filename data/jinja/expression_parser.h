// The expressions of a template, and the walk over its tokens that all of the parser shares.
#pragma once

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

#include "data/jinja/ast.h"
#include "data/jinja/lexer.h"

namespace grpo::jinja {

class ExpressionParser {
 public:
  ExpressionParser(std::vector<Token> tokens, const std::string& origin)
      : tokens_(std::move(tokens)), origin_(origin) {}

 protected:
  // Counts a level of nesting for as long as it lives.
  class Level {
   public:
    explicit Level(ExpressionParser* parser) : parser_(parser) { ++parser_->depth_; }
    ~Level() { --parser_->depth_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    ExpressionParser* parser_;
  };

  const Token& Current() const { return tokens_[position_]; }
  const Token& Following() const;
  Token Take();
  bool TakeName(absl::string_view name);
  bool TakeOperator(absl::string_view symbol);
  absl::Status ExpectOperator(absl::string_view symbol);
  absl::Status ExpectName(absl::string_view name);
  absl::StatusOr<std::string> ExpectAnyName();
  absl::Status Expect(TokenKind kind, absl::string_view description);

  absl::Status ErrorAt(int line, absl::string_view problem) const;
  absl::Status Error(absl::string_view problem) const { return ErrorAt(Current().line, problem); }
  // "expected …, found …" at the current token.
  absl::Status Unexpected(absl::string_view expected) const;
  absl::Status CheckDepth() const;

  absl::StatusOr<ExpressionPointer> ParseExpression();
  // Without `a if b else c`: there the `if` belongs to a loop.
  absl::StatusOr<ExpressionPointer> ParseOr();
  // One expression, or several between commas as a tuple.
  absl::StatusOr<ExpressionPointer> ParseTuple(bool with_conditional, bool in_parentheses = false);
  // `| name(…) | …` behind `value`; null without any.
  absl::StatusOr<ExpressionPointer> ParseFilters(ExpressionPointer value);
  // A filter whose name stands at the current token.
  absl::StatusOr<ExpressionPointer> ParseFilter(ExpressionPointer value);

  absl::StatusOr<std::vector<Target>> ParseTargets(bool with_attributes, bool* is_tuple);
  // What `set` and `for` assign to; attributes of namespaces for `set` alone.
  absl::StatusOr<Target> ParseTarget(bool with_attributes);

  // Names that the bodies of the macros around the current token speak of.
  struct SpecialNames {
    bool caller = false;
    bool kwargs = false;
    bool varargs = false;
  };
  std::vector<SpecialNames> macros_;
  int loops_ = 0;  // within the innermost macro
  int loops_in_all_ = 0;
  // In an `if`, unknown filters and tests are errors only when they are reached.
  bool allows_unknown_ = false;
  std::vector<absl::Status> unknown_names_;

 private:
  using Parsed = absl::StatusOr<ExpressionPointer>;

  Parsed Make(int line, int child_depth, Expression::Node node);

  Parsed ParseAnd();
  Parsed ParseNot();
  Parsed ParseComparison();
  Parsed ParseSum();
  Parsed ParseConcatenation();
  Parsed ParseProduct();
  Parsed ParsePower();
  Parsed ParseUnary(bool with_filters);
  Parsed ParsePrimary();
  Parsed ParseName();
  Parsed ParseStrings();
  Parsed ParseList();
  Parsed ParseDict();
  Parsed ParsePostfix(ExpressionPointer value);
  Parsed ParseDot(ExpressionPointer object);
  Parsed ParseBrackets(ExpressionPointer object);
  Parsed ParseSliceRest(ExpressionPointer object, ExpressionPointer start, int line);
  Parsed ParseSliceBound();
  Parsed ParseCall(ExpressionPointer function);
  Parsed ParseTest(ExpressionPointer value);
  Parsed ParseFilterChain(ExpressionPointer value);

  // A level of operators that group from the left.
  struct OperatorSymbol {
    absl::string_view symbol;
    ArithmeticOperator op;
  };
  Parsed ParseLeftToRight(std::initializer_list<OperatorSymbol> operators,
                          Parsed (ExpressionParser::*parse_operand)());
  Parsed ParseUnaryWithFilters() { return ParseUnary(/*with_filters=*/true); }

  absl::StatusOr<CallArguments> ParseArguments();
  absl::Status ParseArgument(CallArguments* arguments, int line);
  bool AtTupleEnd() const;
  bool AtTestArgument() const;
  void NoteUnknown(int line, std::string problem);
  absl::StatusOr<Target> ParseTargetPart(bool with_attributes);

  std::vector<Token> tokens_;
  size_t position_ = 0;
  int depth_ = 0;
  const std::string& origin_;
};

}  // namespace grpo::jinja
