// The tree of a parsed template.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "absl/types/optional.h"

#include "data/jinja/filters.h"
#include "data/jinja/operators.h"
#include "data/jinja/tests.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

struct Expression;
struct Statement;
using ExpressionPointer = std::unique_ptr<const Expression>;
using Expressions = std::vector<ExpressionPointer>;
using Body = std::vector<Statement>;

// What stands between the brackets of a call.
struct CallArguments {
  Expressions positional;
  std::vector<std::pair<std::string, ExpressionPointer>> named;
  ExpressionPointer more_positional;  // *list, or null
  ExpressionPointer more_named;       // **dict, or null
};

struct Literal {
  Value value;
};

struct Name {
  std::string name;
};

struct SequenceLiteral {
  bool is_tuple;
  Expressions items;
};

struct DictLiteral {
  std::vector<std::pair<ExpressionPointer, ExpressionPointer>> entries;
};

struct Unary {
  enum class Operator { kNot, kMinus, kPlus };
  Operator op;
  ExpressionPointer operand;
};

struct Binary {
  ArithmeticOperator op;
  ExpressionPointer left;
  ExpressionPointer right;
};

// left and right, left or right: the operand that decides, not a boolean.
struct Logical {
  bool is_and;
  ExpressionPointer left;
  ExpressionPointer right;
};

// first op second op third …
struct Comparison {
  struct Step {
    // Without an operator: `in`, or `not in`.
    absl::optional<ComparisonOperator> op;
    bool negated = false;
    ExpressionPointer operand;
  };
  ExpressionPointer first;
  std::vector<Step> steps;
};

// a ~ b ~ …
struct Concatenation {
  Expressions parts;
};

// value if condition else otherwise
struct Conditional {
  ExpressionPointer condition;
  ExpressionPointer value;
  ExpressionPointer otherwise;  // or null
};

struct AttributeAccess {
  ExpressionPointer object;
  std::string name;
};

struct ItemAccess {
  ExpressionPointer object;
  ExpressionPointer key;
};

struct SliceAccess {
  ExpressionPointer object;
  ExpressionPointer start;  // null where left out
  ExpressionPointer stop;
  ExpressionPointer step;
};

struct CallExpression {
  ExpressionPointer function;
  CallArguments arguments;
};

struct FilterExpression {
  ExpressionPointer value;  // null in {% filter %} and {% set %} blocks: the text of the block
  std::string name;
  Filter filter;  // null where there is none of that name
  CallArguments arguments;
};

struct TestExpression {
  ExpressionPointer value;
  std::string name;
  Test test;  // null where there is none of that name
  CallArguments arguments;
};

struct Expression {
  using Node = std::variant<Literal, Name, SequenceLiteral, DictLiteral, Unary, Binary, Logical,
                            Comparison, Concatenation, Conditional, AttributeAccess, ItemAccess,
                            SliceAccess, CallExpression, FilterExpression, TestExpression>;
  int line;
  int depth;  // of the tree below and with it
  Node node;
};

// What a value is assigned to.
struct Target {
  std::string name;           // empty for a tuple
  std::string attribute;      // of the namespace `name`; empty for the name itself
  std::vector<Target> parts;  // of a tuple
  bool is_tuple = false;
};

// The parameters and the body of a macro or of a {% call %} block.
struct MacroDefinition {
  struct Parameter {
    std::string name;
    ExpressionPointer otherwise;  // or null
  };
  std::string name;
  std::vector<Parameter> parameters;
  Body body;
  // Whether the body speaks of them.
  bool uses_caller = false;
  bool uses_kwargs = false;
  bool uses_varargs = false;
};

struct TextStatement {
  std::string text;
};

struct OutputStatement {
  ExpressionPointer value;
};

struct IfStatement {
  struct Branch {
    ExpressionPointer condition;  // null: else
    Body body;
  };
  std::vector<Branch> branches;
};

struct ForStatement {
  Target target;
  ExpressionPointer items;
  ExpressionPointer condition;  // or null
  Body body;
  Body otherwise;  // where there was no item
};

struct SetStatement {
  Target target;
  ExpressionPointer value;
};

struct SetBlockStatement {
  Target target;
  ExpressionPointer filter;  // or null
  Body body;
};

struct MacroStatement {
  MacroDefinition macro;
};

struct CallStatement {
  MacroDefinition caller;
  ExpressionPointer call;  // a CallExpression
};

struct FilterStatement {
  ExpressionPointer filter;
  Body body;
};

struct WithStatement {
  std::vector<std::pair<Target, ExpressionPointer>> assignments;
  Body body;
};

struct BreakStatement {};
struct ContinueStatement {};

// {% generation %}: marks what the model said; rendered as a scope of its own.
struct GenerationStatement {
  Body body;
};

struct Statement {
  using Node = std::variant<TextStatement, OutputStatement, IfStatement, ForStatement, SetStatement,
                            SetBlockStatement, MacroStatement, CallStatement, FilterStatement,
                            WithStatement, BreakStatement, ContinueStatement, GenerationStatement>;
  int line;
  Node node;
};

}  // namespace grpo::jinja
