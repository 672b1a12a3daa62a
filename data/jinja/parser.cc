#include "data/jinja/parser.h"

#include <algorithm>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "data/jinja/expression_parser.h"
#include "data/json.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

using EndTags = std::initializer_list<absl::string_view>;

class TemplateParser : public ExpressionParser {
 public:
  using ExpressionParser::ExpressionParser;

  absl::StatusOr<Body> Parse() {
    ASSIGN_OR_RETURN(Body body, ParseUntil({}));
    if (!unknown_names_.empty()) return unknown_names_.front();
    return body;
  }

 private:
  // Statements up to a tag of one of these names, which is left as the current token; up to the end
  // of the template without any.
  absl::StatusOr<Body> ParseUntil(EndTags ends) {
    Body body;
    while (true) {
      const int line = Current().line;
      switch (Current().kind) {
        case TokenKind::kText:
          body.push_back({line, TextStatement{Take().text}});
          break;
        case TokenKind::kOutputBegin: {
          Take();
          ASSIGN_OR_RETURN(ExpressionPointer value, ParseTuple(/*with_conditional=*/true));
          RETURN_IF_ERROR(Expect(TokenKind::kOutputEnd, "'}}'"));
          body.push_back({line, OutputStatement{std::move(value)}});
          break;
        }
        case TokenKind::kBlockBegin: {
          Take();
          const bool ends_here =
              std::any_of(ends.begin(), ends.end(),
                          [this](absl::string_view end) { return Current().IsName(end); });
          if (ends_here) return body;
          RETURN_IF_ERROR(ParseStatement(line, &body));
          RETURN_IF_ERROR(ExpectBlockEnd());
          break;
        }
        default:
          if (ends.size() == 0) return body;
          return Unexpected(absl::StrCat("'{% ", absl::StrJoin(ends, " %}' or '{% "), " %}'"));
      }
    }
  }

  absl::Status ExpectBlockEnd() { return Expect(TokenKind::kBlockEnd, "'%}'"); }

  // The body of a block up to one of its end tags, the head of which was read.
  absl::StatusOr<Body> ParseBody(EndTags ends) {
    TakeOperator(":");
    RETURN_IF_ERROR(ExpectBlockEnd());
    return ParseUntil(ends);
  }

  // A body in a scope of its own, with its end tag's name taken.
  absl::StatusOr<Body> ParseScopedBody(absl::string_view end) {
    const bool allowed_unknown = std::exchange(allows_unknown_, false);
    ASSIGN_OR_RETURN(Body body, ParseBody({end}));
    allows_unknown_ = allowed_unknown;
    Take();
    return body;
  }

  absl::Status ParseStatement(int line, Body* body) {
    const Level level(this);
    RETURN_IF_ERROR(CheckDepth());
    static constexpr std::pair<absl::string_view,
                               absl::StatusOr<Statement::Node> (TemplateParser::*)()>
        kStatements[] = {
            {"break", &TemplateParser::ParseBreak},
            {"call", &TemplateParser::ParseCallBlock},
            {"continue", &TemplateParser::ParseContinue},
            {"filter", &TemplateParser::ParseFilterBlock},
            {"for", &TemplateParser::ParseFor},
            {"generation", &TemplateParser::ParseGeneration},
            {"if", &TemplateParser::ParseIf},
            {"macro", &TemplateParser::ParseMacro},
            {"set", &TemplateParser::ParseSet},
            {"with", &TemplateParser::ParseWith},
        };
    if (Current().kind != TokenKind::kName) return Unexpected("the name of a tag");
    if (Current().IsName("print")) return ParsePrint(line, body);
    for (const auto& [name, parse] : kStatements) {
      if (!Current().IsName(name)) continue;
      Take();
      ASSIGN_OR_RETURN(Statement::Node node, (this->*parse)());
      body->push_back({line, std::move(node)});
      return absl::OkStatus();
    }
    return UnknownTag();
  }

  absl::Status UnknownTag() {
    for (const absl::string_view name :
         {"autoescape", "block", "extends", "from", "import", "include"}) {
      if (Current().IsName(name))
        return Error(absl::StrCat("the tag '", name, "' is not supported"));
    }
    return Error(absl::StrCat("unexpected tag ", Describe(Current())));
  }

  absl::Status ParsePrint(int line, Body* body) {
    Take();
    bool is_first = true;
    while (Current().kind != TokenKind::kBlockEnd) {
      if (!is_first) RETURN_IF_ERROR(ExpectOperator(","));
      ASSIGN_OR_RETURN(ExpressionPointer value, ParseExpression());
      body->push_back({line, OutputStatement{std::move(value)}});
      is_first = false;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Statement::Node> ParseIf() {
    const bool allowed_unknown = std::exchange(allows_unknown_, true);
    IfStatement statement;
    while (true) {
      IfStatement::Branch branch;
      ASSIGN_OR_RETURN(branch.condition, ParseTuple(/*with_conditional=*/false));
      ASSIGN_OR_RETURN(branch.body, ParseBody({"elif", "else", "endif"}));
      statement.branches.push_back(std::move(branch));
      if (!TakeName("elif")) break;
    }
    if (TakeName("else")) {
      IfStatement::Branch branch;
      ASSIGN_OR_RETURN(branch.body, ParseBody({"endif"}));
      statement.branches.push_back(std::move(branch));
    }
    Take();  // endif
    allows_unknown_ = allowed_unknown;
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseFor() {
    ForStatement statement;
    ++loops_in_all_;
    ASSIGN_OR_RETURN(statement.target, ParseTarget(/*with_attributes=*/false));
    RETURN_IF_ERROR(ExpectName("in"));
    ASSIGN_OR_RETURN(statement.items, ParseTuple(/*with_conditional=*/false));
    if (TakeName("if")) {
      ASSIGN_OR_RETURN(statement.condition, ParseExpression());
    }
    if (Current().IsName("recursive")) return Error("recursive loops are not supported");
    const bool allowed_unknown = std::exchange(allows_unknown_, false);
    ++loops_;
    ASSIGN_OR_RETURN(statement.body, ParseBody({"endfor", "else"}));
    --loops_;
    if (TakeName("else")) {
      ASSIGN_OR_RETURN(statement.otherwise, ParseBody({"endfor"}));
    }
    Take();  // endfor
    --loops_in_all_;
    allows_unknown_ = allowed_unknown;
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseSet() {
    ASSIGN_OR_RETURN(Target target, ParseTarget(/*with_attributes=*/true));
    if (TakeOperator("=")) {
      ASSIGN_OR_RETURN(ExpressionPointer value, ParseTuple(/*with_conditional=*/true));
      return SetStatement{std::move(target), std::move(value)};
    }
    ASSIGN_OR_RETURN(ExpressionPointer filter, ParseFilters(nullptr));
    ASSIGN_OR_RETURN(Body body, ParseScopedBody("endset"));
    return SetBlockStatement{std::move(target), std::move(filter), std::move(body)};
  }

  absl::Status ParseParameters(MacroDefinition* macro) {
    RETURN_IF_ERROR(ExpectOperator("("));
    absl::flat_hash_set<std::string> names;
    while (!Current().IsOperator(")")) {
      if (!macro->parameters.empty()) RETURN_IF_ERROR(ExpectOperator(","));
      MacroDefinition::Parameter parameter;
      ASSIGN_OR_RETURN(parameter.name, ExpectAnyName());
      if (!names.insert(parameter.name).second) {
        return Error(absl::StrCat("the parameter '", parameter.name, "' stands twice"));
      }
      if (TakeOperator("=")) {
        ASSIGN_OR_RETURN(parameter.otherwise, ParseExpression());
      } else if (!macro->parameters.empty() && macro->parameters.back().otherwise != nullptr) {
        return Error("a parameter without a default behind one with a default");
      }
      macro->parameters.push_back(std::move(parameter));
    }
    return ExpectOperator(")");
  }

  // The body of a macro or a call block up to `end`.
  absl::Status ParseMacroBody(MacroDefinition* macro, absl::string_view end) {
    macros_.emplace_back();
    const int loops = std::exchange(loops_, 0);
    ASSIGN_OR_RETURN(macro->body, ParseScopedBody(end));
    loops_ = loops;
    const auto is_parameter = [macro](absl::string_view name) {
      return std::any_of(
          macro->parameters.begin(), macro->parameters.end(),
          [name](const MacroDefinition::Parameter& parameter) { return parameter.name == name; });
    };
    macro->uses_caller = macros_.back().caller;
    macro->uses_kwargs = macros_.back().kwargs && !is_parameter("kwargs");
    macro->uses_varargs = macros_.back().varargs && !is_parameter("varargs");
    macros_.pop_back();
    if (macro->uses_caller && is_parameter("caller")) {
      return Error("a parameter named 'caller' is not supported");
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Statement::Node> ParseMacro() {
    MacroStatement statement;
    ASSIGN_OR_RETURN(statement.macro.name, ExpectAnyName());
    RETURN_IF_ERROR(ParseParameters(&statement.macro));
    RETURN_IF_ERROR(ParseMacroBody(&statement.macro, "endmacro"));
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseCallBlock() {
    CallStatement statement;
    statement.caller.name = "caller";
    if (Current().IsOperator("(")) RETURN_IF_ERROR(ParseParameters(&statement.caller));
    ASSIGN_OR_RETURN(statement.call, ParseExpression());
    if (!std::holds_alternative<CallExpression>(statement.call->node)) {
      return ErrorAt(statement.call->line, "expected a call behind 'call'");
    }
    RETURN_IF_ERROR(ParseMacroBody(&statement.caller, "endcall"));
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseFilterBlock() {
    FilterStatement statement;
    ASSIGN_OR_RETURN(ExpressionPointer filter, ParseFilter(nullptr));
    ASSIGN_OR_RETURN(statement.filter, ParseFilters(std::move(filter)));
    ASSIGN_OR_RETURN(statement.body, ParseScopedBody("endfilter"));
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseWith() {
    WithStatement statement;
    while (Current().kind != TokenKind::kBlockEnd) {
      if (!statement.assignments.empty()) RETURN_IF_ERROR(ExpectOperator(","));
      ASSIGN_OR_RETURN(Target target, ParseTarget(/*with_attributes=*/false));
      RETURN_IF_ERROR(ExpectOperator("="));
      ASSIGN_OR_RETURN(ExpressionPointer value, ParseExpression());
      statement.assignments.emplace_back(std::move(target), std::move(value));
    }
    ASSIGN_OR_RETURN(statement.body, ParseScopedBody("endwith"));
    return statement;
  }

  absl::StatusOr<Statement::Node> ParseBreak() {
    if (loops_ == 0) return Error("'break' outside of a loop");
    return BreakStatement{};
  }

  absl::StatusOr<Statement::Node> ParseContinue() {
    if (loops_ == 0) return Error("'continue' outside of a loop");
    return ContinueStatement{};
  }

  absl::StatusOr<Statement::Node> ParseGeneration() {
    const int loops = std::exchange(loops_, 0);
    ASSIGN_OR_RETURN(Body body, ParseScopedBody("endgeneration"));
    loops_ = loops;
    return GenerationStatement{std::move(body)};
  }
};

}  // namespace

absl::StatusOr<Body> ParseTemplate(absl::string_view source, const std::string& origin) {
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(source, origin));
  return TemplateParser(std::move(tokens), origin).Parse();
}

}  // namespace grpo::jinja
