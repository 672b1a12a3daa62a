#include "data/jinja/interpreter.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "nlohmann/json.hpp"

#include "data/jinja/globals.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

constexpr int64_t kUnitsPerScope = 256;
constexpr int64_t kUnitsPerLookUp = 4;

// How a statement ended: whether the loop around it goes on.
enum class Flow { kNext, kBreak, kContinue };

// The variables of a block; what is not here is looked for in the block around it.
struct Scope {
  absl::flat_hash_map<std::string, Value> variables;
  std::shared_ptr<Scope> parent;
};

class Interpreter {
 public:
  Interpreter(const std::string& origin, const Limits& limits)
      : origin_(origin), runtime_(limits), scope_(std::make_shared<Scope>()) {}

  // A macro lies in the scope that it holds on to.
  ~Interpreter() {
    for (const auto& scope : scopes_of_macros_) scope->variables.clear();
  }

  absl::StatusOr<std::string> Render(const Body& body, const nlohmann::ordered_json& context) {
    RETURN_IF_ERROR(ReadContext(context));
    RETURN_IF_ERROR(ExecuteBody(body).status());
    if (out_.size() > static_cast<size_t>(runtime_.limits().output_bytes)) return TooMuchOutput();
    return std::move(out_);
  }

 private:
  // Counts a level of nested evaluation for as long as it lives.
  class Level {
   public:
    explicit Level(int* nesting) : nesting_(nesting) { ++*nesting_; }
    ~Level() { --*nesting_; }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;

   private:
    int* nesting_;
  };

  // Puts a scope in place of the current one for as long as it lives.
  class ScopeChange {
   public:
    ScopeChange(Interpreter* interpreter, std::shared_ptr<Scope> scope)
        : interpreter_(interpreter), saved_(std::move(interpreter->scope_)) {
      interpreter_->scope_ = std::move(scope);
    }
    ~ScopeChange() { interpreter_->scope_ = std::move(saved_); }
    ScopeChange(const ScopeChange&) = delete;
    ScopeChange& operator=(const ScopeChange&) = delete;

   private:
    Interpreter* interpreter_;
    std::shared_ptr<Scope> saved_;
  };

  absl::Status ReadContext(const nlohmann::ordered_json& context) {
    if (!context.is_object()) {
      return absl::InvalidArgumentError(absl::StrCat(origin_, ": the context must be an object"));
    }
    for (const auto& [name, member] : context.items()) {
      auto value = runtime_.FromJson(member);
      if (!value.ok()) {
        return absl::Status(value.status().code(),
                            absl::StrCat(origin_, ": the variable '", name,
                                         "' of the context: ", value.status().message()));
      }
      context_[name] = *std::move(value);
    }
    return absl::OkStatus();
  }

  absl::Status TooMuchOutput() const {
    return absl::ResourceExhaustedError(absl::StrCat(origin_, ": the output is larger than ",
                                                     runtime_.limits().output_bytes, " bytes"));
  }

  // Errors end the rendering, so only the innermost place, which is the first, is written down.
  absl::Status Located(int line, const absl::Status& status) {
    if (is_located_) return status;
    is_located_ = true;
    return absl::Status(status.code(), absl::StrCat(origin_, ":", line, ": ", status.message()));
  }

  std::shared_ptr<Scope> ScopeWithin(std::shared_ptr<Scope> parent) {
    auto scope = std::make_shared<Scope>();
    scope->parent = std::move(parent);
    return scope;
  }

  // ---- Statements

  absl::StatusOr<Flow> ExecuteBody(const Body& body) {
    for (const Statement& statement : body) {
      ASSIGN_OR_RETURN(const Flow flow, Execute(statement));
      if (flow != Flow::kNext) return flow;
    }
    return Flow::kNext;
  }

  absl::StatusOr<Flow> Execute(const Statement& statement) {
    const Level level(&nesting_);
    absl::StatusOr<Flow> flow = CheckStep();
    if (flow.ok()) {
      flow = std::visit([this](const auto& node) { return ExecuteNode(node); }, statement.node);
    }
    if (!flow.ok()) return Located(statement.line, flow.status());
    return flow;
  }

  // Flow, so that a failed check is a failed statement.
  absl::StatusOr<Flow> CheckStep() {
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerStep));
    if (nesting_ > runtime_.limits().nesting) {
      return absl::ResourceExhaustedError(absl::StrCat("more than ", runtime_.limits().nesting,
                                                       " nested evaluations: endless recursion?"));
    }
    return Flow::kNext;
  }

  // The output of a body in a new scope, apart from that of the template.
  absl::StatusOr<std::string> Capture(const Body& body, std::shared_ptr<Scope> scope, Flow* flow) {
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
    const ScopeChange change(this, std::move(scope));
    std::string captured = std::exchange(out_, "");
    const auto ended = ExecuteBody(body);
    std::swap(captured, out_);
    if (!ended.ok()) return ended.status();
    *flow = *ended;
    return captured;
  }

  absl::StatusOr<Flow> Write(absl::string_view text) {
    RETURN_IF_ERROR(runtime_.Spend(text.size()));
    absl::StrAppend(&out_, text);
    if (out_.size() > static_cast<size_t>(runtime_.limits().output_bytes)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the output is larger than ", runtime_.limits().output_bytes, " bytes"));
    }
    return Flow::kNext;
  }

  absl::StatusOr<Flow> ExecuteNode(const TextStatement& statement) { return Write(statement.text); }

  absl::StatusOr<Flow> ExecuteNode(const OutputStatement& statement) {
    ASSIGN_OR_RETURN(const Value value, Evaluate(*statement.value));
    if (value.Is(Kind::kString)) return Write(value.AsString());
    ASSIGN_OR_RETURN(const std::string text, ToText(runtime_, value));
    return Write(text);
  }

  absl::StatusOr<Flow> ExecuteNode(const IfStatement& statement) {
    for (const IfStatement::Branch& branch : statement.branches) {
      if (branch.condition != nullptr) {
        ASSIGN_OR_RETURN(const Value condition, Evaluate(*branch.condition));
        if (!Truth(condition)) continue;
      }
      return ExecuteBody(branch.body);
    }
    return Flow::kNext;
  }

  absl::StatusOr<std::shared_ptr<Loop>> StartLoop(const ForStatement& statement) {
    ASSIGN_OR_RETURN(const Value items, Evaluate(*statement.items));
    auto loop = std::make_shared<Loop>();
    ASSIGN_OR_RETURN(loop->source, runtime_.Iterate(items));
    // Leaves room for what loop.changed() keeps; a loop never holds what is as deep as itself.
    constexpr int kLeastDepth = 20;
    loop->depth = std::max(items.depth(), kLeastDepth) + 1;
    if (statement.condition != nullptr) {
      loop->test = [this, &statement, outer = scope_](const Value& item) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
        const ScopeChange change(this, ScopeWithin(outer));
        RETURN_IF_ERROR(Assign(statement.target, item));
        ASSIGN_OR_RETURN(const Value passes, Evaluate(*statement.condition));
        return Truth(passes);
      };
    }
    return loop;
  }

  absl::StatusOr<Flow> ExecuteNode(const ForStatement& statement) {
    ASSIGN_OR_RETURN(const std::shared_ptr<Loop> loop, StartLoop(statement));
    const std::shared_ptr<Scope> outer = scope_;
    bool had_whole_round = false;
    Flow flow = Flow::kNext;
    while (flow != Flow::kBreak) {
      ASSIGN_OR_RETURN(const bool has_item, loop->Advance());
      if (!has_item) break;
      RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
      const ScopeChange change(this, ScopeWithin(outer));
      RETURN_IF_ERROR(Assign(statement.target, loop->current));
      scope_->variables["loop"] = Value::Of(loop);
      ASSIGN_OR_RETURN(flow, ExecuteBody(statement.body));
      had_whole_round |= flow == Flow::kNext;
    }
    // As in Jinja: `else` also follows a loop of which no round came to its end.
    if (had_whole_round) return Flow::kNext;
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
    const ScopeChange change(this, ScopeWithin(outer));
    return ExecuteBody(statement.otherwise);
  }

  absl::StatusOr<Flow> ExecuteNode(const SetStatement& statement) {
    RETURN_IF_ERROR(CheckNamespaces(statement.target));
    ASSIGN_OR_RETURN(Value value, Evaluate(*statement.value));
    RETURN_IF_ERROR(Assign(statement.target, value));
    return Flow::kNext;
  }

  absl::StatusOr<Flow> ExecuteNode(const SetBlockStatement& statement) {
    Flow flow = Flow::kNext;
    ASSIGN_OR_RETURN(std::string text, Capture(statement.body, ScopeWithin(scope_), &flow));
    if (flow != Flow::kNext) return flow;
    ASSIGN_OR_RETURN(Value value, runtime_.NewString(std::move(text)));
    if (statement.filter != nullptr) {
      ASSIGN_OR_RETURN(value, ApplyToBlock(*statement.filter, value));
    }
    RETURN_IF_ERROR(CheckNamespaces(statement.target));
    RETURN_IF_ERROR(Assign(statement.target, value));
    return Flow::kNext;
  }

  absl::StatusOr<Flow> ExecuteNode(const MacroStatement& statement) {
    ASSIGN_OR_RETURN(Value macro, MakeMacro(statement.macro));
    scope_->variables[statement.macro.name] = std::move(macro);
    return Flow::kNext;
  }

  absl::StatusOr<Flow> ExecuteNode(const CallStatement& statement) {
    ASSIGN_OR_RETURN(Value caller, MakeMacro(statement.caller));
    const auto& call = std::get<CallExpression>(statement.call->node);
    ASSIGN_OR_RETURN(const Value function, Evaluate(*call.function));
    ASSIGN_OR_RETURN(Arguments arguments, EvaluateArguments(call.arguments));
    for (const auto& [name, value] : arguments.named) {
      if (name == "caller")
        return absl::InvalidArgumentError("the argument 'caller' is given twice");
    }
    arguments.named.emplace_back("caller", std::move(caller));
    ASSIGN_OR_RETURN(const Value result, runtime_.Call(function, arguments));
    ASSIGN_OR_RETURN(const std::string text, ToText(runtime_, result));
    return Write(text);
  }

  absl::StatusOr<Flow> ExecuteNode(const FilterStatement& statement) {
    Flow flow = Flow::kNext;
    const std::shared_ptr<Scope> scope = ScopeWithin(scope_);
    ASSIGN_OR_RETURN(std::string text, Capture(statement.body, scope, &flow));
    if (flow != Flow::kNext) return flow;
    ASSIGN_OR_RETURN(const Value value, runtime_.NewString(std::move(text)));
    const ScopeChange change(this, scope);
    ASSIGN_OR_RETURN(const Value filtered, ApplyToBlock(*statement.filter, value));
    ASSIGN_OR_RETURN(const std::string shown, ToText(runtime_, filtered));
    return Write(shown);
  }

  absl::StatusOr<Flow> ExecuteNode(const WithStatement& statement) {
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
    const std::shared_ptr<Scope> inner = ScopeWithin(scope_);
    for (const auto& [target, expression] : statement.assignments) {
      ASSIGN_OR_RETURN(const Value value, Evaluate(*expression));
      const ScopeChange change(this, inner);
      RETURN_IF_ERROR(Assign(target, value));
    }
    const ScopeChange change(this, inner);
    return ExecuteBody(statement.body);
  }

  absl::StatusOr<Flow> ExecuteNode(const BreakStatement&) { return Flow::kBreak; }
  absl::StatusOr<Flow> ExecuteNode(const ContinueStatement&) { return Flow::kContinue; }

  absl::StatusOr<Flow> ExecuteNode(const GenerationStatement& statement) {
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerScope));
    const ScopeChange change(this, ScopeWithin(scope_));
    return ExecuteBody(statement.body);
  }

  // ---- Assignment

  absl::StatusOr<std::shared_ptr<Namespace>> NamespaceOf(const Target& target) {
    ASSIGN_OR_RETURN(const Value value, LookUp(target.name));
    if (!value.Is(Kind::kNamespace)) {
      return absl::InvalidArgumentError(absl::StrCat("cannot assign to an attribute of '",
                                                     target.name, "', which is a '",
                                                     TypeName(value), "' and not a namespace"));
    }
    return value.As<Namespace>();
  }

  // Before the value is computed, as Jinja does.
  absl::Status CheckNamespaces(const Target& target) {
    if (!target.attribute.empty()) return NamespaceOf(target).status();
    for (const Target& part : target.parts) RETURN_IF_ERROR(CheckNamespaces(part));
    return absl::OkStatus();
  }

  absl::Status Assign(const Target& target, const Value& value) {
    if (target.is_tuple) return AssignParts(target, value);
    if (target.attribute.empty()) {
      scope_->variables[target.name] = value;
      return absl::OkStatus();
    }
    ASSIGN_OR_RETURN(const auto attributes, NamespaceOf(target));
    RETURN_IF_ERROR(runtime_.Spend(kUnitsPerItem + attributes->attributes.size()));
    attributes->Set(target.attribute, value);
    return absl::OkStatus();
  }

  absl::Status AssignParts(const Target& target, const Value& value) {
    ASSIGN_OR_RETURN(const auto items, runtime_.Iterate(value));
    if (items->size() != target.parts.size()) {
      return absl::InvalidArgumentError(absl::StrCat("expected ", target.parts.size(),
                                                     " values to unpack, found ", items->size()));
    }
    for (size_t i = 0; i < items->size(); ++i) {
      RETURN_IF_ERROR(Assign(target.parts[i], (*items)[i]));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<Value> LookUp(const std::string& name) {
    for (const Scope* scope = scope_.get(); scope != nullptr; scope = scope->parent.get()) {
      RETURN_IF_ERROR(runtime_.Spend(kUnitsPerLookUp));
      const auto found = scope->variables.find(name);
      if (found != scope->variables.end()) return found->second;
    }
    const auto found = context_.find(name);
    if (found != context_.end()) return found->second;
    ASSIGN_OR_RETURN(absl::optional<Value> global, FindGlobal(runtime_, name));
    if (global.has_value()) return *std::move(global);
    RETURN_IF_ERROR(runtime_.Spend(name.size() + kUnitsPerItem));
    return Value::Missing(absl::StrCat("'", name, "' is undefined"));
  }

  // ---- Macros

  absl::StatusOr<Value> MakeMacro(const MacroDefinition& macro) {
    scopes_of_macros_.push_back(scope_);
    return runtime_.NewFunction(
        macro.name, absl::StrCat("<Macro '", macro.name, "'>"),
        [this, &macro, scope = scope_](Runtime&, const Arguments& arguments) {
          return CallMacro(macro, scope, arguments);
        },
        /*depth=*/1);
  }

  absl::StatusOr<Value> CallMacro(const MacroDefinition& macro,
                                  const std::shared_ptr<Scope>& definition_scope,
                                  const Arguments& arguments) {
    const std::shared_ptr<Scope> scope = ScopeWithin(definition_scope);
    {
      const ScopeChange change(this, scope);
      RETURN_IF_ERROR(BindParameters(macro, arguments));
    }
    Flow flow = Flow::kNext;
    ASSIGN_OR_RETURN(std::string text, Capture(macro.body, scope, &flow));
    return runtime_.NewString(std::move(text));
  }

  // Sets the parameters of a macro in the current scope, which is its own.
  absl::Status BindParameters(const MacroDefinition& macro, const Arguments& arguments) {
    RETURN_IF_ERROR(runtime_.SpendProduct(macro.parameters.size() + 1, arguments.named.size() + 1));
    std::vector<std::pair<std::string, Value>> named = arguments.named;
    const auto take_named = [&named](absl::string_view name) -> absl::optional<Value> {
      for (auto entry = named.begin(); entry != named.end(); ++entry) {
        if (entry->first != name) continue;
        Value value = std::move(entry->second);
        named.erase(entry);
        return value;
      }
      return absl::nullopt;
    };
    // First what is given, so that a default may speak of any parameter.
    std::vector<const MacroDefinition::Parameter*> missing;
    for (size_t i = 0; i < macro.parameters.size(); ++i) {
      const MacroDefinition::Parameter& parameter = macro.parameters[i];
      if (i < arguments.positional.size()) {
        scope_->variables[parameter.name] = arguments.positional[i];
      } else if (absl::optional<Value> value = take_named(parameter.name)) {
        scope_->variables[parameter.name] = *std::move(value);
      } else {
        missing.push_back(&parameter);
        scope_->variables[parameter.name] =
            Value::Missing(absl::StrCat("parameter '", parameter.name, "' was not provided"));
      }
    }
    RETURN_IF_ERROR(BindRest(macro, arguments, take_named("caller"), named));
    for (const MacroDefinition::Parameter* parameter : missing) {
      if (parameter->otherwise == nullptr) continue;
      ASSIGN_OR_RETURN(scope_->variables[parameter->name], Evaluate(*parameter->otherwise));
    }
    return absl::OkStatus();
  }

  // caller, kwargs and varargs, or an error for what nobody takes.
  absl::Status BindRest(const MacroDefinition& macro, const Arguments& arguments,
                        absl::optional<Value> caller,
                        const std::vector<std::pair<std::string, Value>>& named) {
    if (macro.uses_caller) {
      scope_->variables["caller"] =
          caller.has_value() ? *std::move(caller) : Value::Missing("No caller defined");
    } else if (caller.has_value() && !macro.uses_kwargs) {
      return absl::InvalidArgumentError(
          absl::StrCat("the macro '", macro.name, "' is called with a block but uses no caller()"));
    }
    if (macro.uses_kwargs) {
      Dict rest;
      for (const auto& [name, value] : named) {
        ASSIGN_OR_RETURN(Value key, runtime_.NewString(name));
        rest.Set(absl::StrCat("s", name), std::move(key), value);
      }
      ASSIGN_OR_RETURN(scope_->variables["kwargs"], runtime_.NewDict(std::move(rest)));
    } else if (!named.empty()) {
      return absl::InvalidArgumentError(
          absl::StrCat("the macro '", macro.name, "' takes no argument '", named[0].first, "'"));
    }
    const size_t count = macro.parameters.size();
    if (macro.uses_varargs) {
      Values rest;
      for (size_t i = count; i < arguments.positional.size(); ++i) {
        rest.push_back(arguments.positional[i]);
      }
      ASSIGN_OR_RETURN(scope_->variables["varargs"], runtime_.NewTuple(std::move(rest)));
    } else if (arguments.positional.size() > count) {
      return absl::InvalidArgumentError(
          absl::StrCat("the macro '", macro.name, "' takes not more than ", count,
                       " arguments, found ", arguments.positional.size()));
    }
    return absl::OkStatus();
  }

  // ---- Expressions

  absl::StatusOr<Value> Evaluate(const Expression& expression) {
    const Level level(&nesting_);
    absl::Status status = CheckStep().status();
    if (status.ok()) {
      absl::StatusOr<Value> value =
          std::visit([this](const auto& node) { return EvaluateNode(node); }, expression.node);
      if (value.ok()) return value;
      status = value.status();
    }
    return Located(expression.line, status);
  }

  // None for what was left out.
  absl::StatusOr<Value> EvaluateOptional(const ExpressionPointer& expression) {
    if (expression == nullptr) return Value();
    return Evaluate(*expression);
  }

  absl::StatusOr<Value> EvaluateNode(const Literal& literal) { return literal.value; }

  absl::StatusOr<Value> EvaluateNode(const Name& name) { return LookUp(name.name); }

  absl::StatusOr<Value> EvaluateNode(const SequenceLiteral& sequence) {
    Values items;
    for (const ExpressionPointer& item : sequence.items) {
      ASSIGN_OR_RETURN(items.emplace_back(), Evaluate(*item));
    }
    return sequence.is_tuple ? runtime_.NewTuple(std::move(items))
                             : runtime_.NewList(std::move(items));
  }

  absl::StatusOr<Value> EvaluateNode(const DictLiteral& literal) {
    Dict dict;
    for (const auto& [key_expression, value_expression] : literal.entries) {
      ASSIGN_OR_RETURN(Value key, Evaluate(*key_expression));
      ASSIGN_OR_RETURN(Value value, Evaluate(*value_expression));
      ASSIGN_OR_RETURN(std::string hash, HashKey(runtime_, key));
      dict.Set(std::move(hash), std::move(key), std::move(value));
    }
    return runtime_.NewDict(std::move(dict));
  }

  absl::StatusOr<Value> EvaluateNode(const Unary& unary) {
    ASSIGN_OR_RETURN(const Value operand, Evaluate(*unary.operand));
    switch (unary.op) {
      case Unary::Operator::kNot:
        return Value::Bool(!Truth(operand));
      case Unary::Operator::kMinus:
        return Negate(operand);
      case Unary::Operator::kPlus:
        return Plus(operand);
    }
    return operand;
  }

  absl::StatusOr<Value> EvaluateNode(const Binary& binary) {
    ASSIGN_OR_RETURN(const Value left, Evaluate(*binary.left));
    ASSIGN_OR_RETURN(const Value right, Evaluate(*binary.right));
    return Arithmetic(runtime_, binary.op, left, right);
  }

  absl::StatusOr<Value> EvaluateNode(const Logical& logical) {
    ASSIGN_OR_RETURN(Value left, Evaluate(*logical.left));
    if (Truth(left) != logical.is_and) return left;
    return Evaluate(*logical.right);
  }

  absl::StatusOr<Value> EvaluateNode(const Comparison& comparison) {
    ASSIGN_OR_RETURN(Value left, Evaluate(*comparison.first));
    for (const Comparison::Step& step : comparison.steps) {
      ASSIGN_OR_RETURN(Value right, Evaluate(*step.operand));
      ASSIGN_OR_RETURN(const bool holds, step.op.has_value()
                                             ? Compare(runtime_, *step.op, left, right)
                                             : Contains(runtime_, right, left));
      if (holds == step.negated) return Value::Bool(false);
      left = std::move(right);
    }
    return Value::Bool(true);
  }

  absl::StatusOr<Value> EvaluateNode(const Concatenation& concatenation) {
    std::string text;
    for (const ExpressionPointer& part : concatenation.parts) {
      ASSIGN_OR_RETURN(const Value value, Evaluate(*part));
      ASSIGN_OR_RETURN(const std::string shown, ToText(runtime_, value));
      text += shown;
    }
    return runtime_.NewString(std::move(text));
  }

  absl::StatusOr<Value> EvaluateNode(const Conditional& conditional) {
    ASSIGN_OR_RETURN(const Value condition, Evaluate(*conditional.condition));
    if (Truth(condition)) return Evaluate(*conditional.value);
    if (conditional.otherwise != nullptr) return Evaluate(*conditional.otherwise);
    return Value::Missing(
        "the inline if-expression evaluated to false and no else section was defined");
  }

  absl::StatusOr<Value> EvaluateNode(const AttributeAccess& access) {
    ASSIGN_OR_RETURN(const Value object, Evaluate(*access.object));
    return Attribute(runtime_, object, access.name);
  }

  absl::StatusOr<Value> EvaluateNode(const ItemAccess& access) {
    ASSIGN_OR_RETURN(const Value object, Evaluate(*access.object));
    ASSIGN_OR_RETURN(const Value key, Evaluate(*access.key));
    return Subscript(runtime_, object, key);
  }

  absl::StatusOr<Value> EvaluateNode(const SliceAccess& access) {
    ASSIGN_OR_RETURN(const Value object, Evaluate(*access.object));
    ASSIGN_OR_RETURN(const Value start, EvaluateOptional(access.start));
    ASSIGN_OR_RETURN(const Value stop, EvaluateOptional(access.stop));
    ASSIGN_OR_RETURN(const Value step, EvaluateOptional(access.step));
    return Slice(runtime_, object, start, stop, step);
  }

  absl::StatusOr<Value> EvaluateNode(const CallExpression& call) {
    ASSIGN_OR_RETURN(const Value function, Evaluate(*call.function));
    ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(call.arguments));
    return runtime_.Call(function, arguments);
  }

  absl::StatusOr<Value> EvaluateNode(const FilterExpression& expression) {
    absl::StatusOr<Value> value =
        expression.value == nullptr ? block_text_ : Evaluate(*expression.value);
    if (!value.ok()) return value;
    if (expression.filter == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("there is no filter '", expression.name, "'"));
    }
    ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression.arguments));
    return expression.filter(runtime_, *value, arguments);
  }

  absl::StatusOr<Value> EvaluateNode(const TestExpression& expression) {
    ASSIGN_OR_RETURN(const Value value, Evaluate(*expression.value));
    if (expression.test == nullptr) {
      return absl::InvalidArgumentError(absl::StrCat("there is no test '", expression.name, "'"));
    }
    ASSIGN_OR_RETURN(const Arguments arguments, EvaluateArguments(expression.arguments));
    ASSIGN_OR_RETURN(const bool holds, expression.test(runtime_, value, arguments));
    return Value::Bool(holds);
  }

  // The filters of a {% filter %} or {% set %} block, of which the first takes the block's text.
  absl::StatusOr<Value> ApplyToBlock(const Expression& filters, const Value& text) {
    block_text_ = text;
    return Evaluate(filters);
  }

  absl::StatusOr<Arguments> EvaluateArguments(const CallArguments& written) {
    Arguments arguments;
    for (const ExpressionPointer& argument : written.positional) {
      ASSIGN_OR_RETURN(arguments.positional.emplace_back(), Evaluate(*argument));
    }
    if (written.more_positional != nullptr) {
      ASSIGN_OR_RETURN(const Value more, Evaluate(*written.more_positional));
      ASSIGN_OR_RETURN(const auto items, runtime_.Iterate(more));
      RETURN_IF_ERROR(runtime_.SpendProduct(items->size(), kUnitsPerItem));
      arguments.positional.insert(arguments.positional.end(), items->begin(), items->end());
    }
    for (const auto& [name, argument] : written.named) {
      ASSIGN_OR_RETURN(Value value, Evaluate(*argument));
      arguments.named.emplace_back(name, std::move(value));
    }
    if (written.more_named != nullptr) {
      ASSIGN_OR_RETURN(const Value more, Evaluate(*written.more_named));
      RETURN_IF_ERROR(AddNamed(more, &arguments));
    }
    return arguments;
  }

  absl::Status AddNamed(const Value& more, Arguments* arguments) {
    if (more.Is(Kind::kUndefined)) return UndefinedError(more);
    if (!more.Is(Kind::kDict)) {
      return absl::InvalidArgumentError(
          absl::StrCat("expected a mapping behind **, found a '", TypeName(more), "'"));
    }
    for (const auto& [key, value] : more.As<const Dict>()->entries()) {
      // The search below, and those for parameters, walk through all names.
      RETURN_IF_ERROR(runtime_.SpendProduct(arguments->named.size() + 1, kUnitsPerItem));
      if (!key.Is(Kind::kString)) {
        return absl::InvalidArgumentError("a name behind ** that is not a string");
      }
      for (const auto& [name, present] : arguments->named) {
        if (name == key.AsString()) {
          return absl::InvalidArgumentError(
              absl::StrCat("the argument '", name, "' is given twice"));
        }
      }
      arguments->named.emplace_back(key.AsString(), value);
    }
    return absl::OkStatus();
  }

  const std::string& origin_;
  Runtime runtime_;
  absl::flat_hash_map<std::string, Value> context_;
  std::shared_ptr<Scope> scope_;
  std::vector<std::shared_ptr<Scope>> scopes_of_macros_;
  std::string out_;
  Value block_text_;
  int nesting_ = 0;
  bool is_located_ = false;
};

}  // namespace

absl::StatusOr<std::string> RenderTemplate(const Body& body, const std::string& origin,
                                           const nlohmann::ordered_json& context,
                                           const Limits& limits) {
  return Interpreter(origin, limits).Render(body, context);
}

}  // namespace grpo::jinja
