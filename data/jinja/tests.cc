#include "data/jinja/tests.h"

#include "absl/container/flat_hash_map.h"

#include "data/jinja/arguments.h"
#include "data/jinja/filters.h"
#include "data/jinja/operators.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

template <bool (*Holds)(const Value&)>
absl::StatusOr<bool> Simple(Runtime&, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the test", arguments, {}).status());
  return Holds(value);
}

template <Kind kind>
bool IsKind(const Value& value) {
  return value.Is(kind);
}

bool IsDefined(const Value& value) { return !value.Is(Kind::kUndefined); }
bool IsTrue(const Value& value) { return value.Is(Kind::kBool) && value.AsBool(); }
bool IsFalse(const Value& value) { return value.Is(Kind::kBool) && !value.AsBool(); }
bool IsNumberTest(const Value& value) { return value.IsNumber(); }
bool IsEscaped(const Value&) { return false; }  // nothing is: autoescape is off

bool IsCallable(const Value& value) {
  return value.Is(Kind::kFunction) || value.Is(Kind::kJoiner) || value.Is(Kind::kUndefined) ||
         value.Is(Kind::kLoop);
}

bool IsSequenceTest(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kRange:
      return true;
    default:
      return false;
  }
}

bool IsIterable(const Value& value) {
  return IsSequenceTest(value) || value.Is(Kind::kDictView) || value.Is(Kind::kGenerator) ||
         value.Is(Kind::kLoop);
}

template <bool (*Holds)(absl::string_view)>
absl::StatusOr<bool> OfText(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the test", arguments, {}).status());
  ASSIGN_OR_RETURN(const std::string text, ToText(runtime, value));
  return Holds(text);
}

// value % divisor == rest.
absl::StatusOr<bool> HasRest(Runtime& runtime, const Value& value, const Value& divisor,
                             int64_t rest) {
  ASSIGN_OR_RETURN(const Value actual,
                   Arithmetic(runtime, ArithmeticOperator::kModulo, value, divisor));
  return Equal(runtime, actual, Value::Int(rest));
}

template <int64_t rest>
absl::StatusOr<bool> OfParity(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the test", arguments, {}).status());
  return HasRest(runtime, value, Value::Int(2), rest);
}

absl::StatusOr<bool> DivisibleBy(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("divisibleby", arguments, {{"num", true}}));
  return HasRest(runtime, value, bound.Get(0), 0);
}

template <ComparisonOperator op>
absl::StatusOr<bool> Comparison(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("the comparison", arguments, {{"", true}}));
  return Compare(runtime, op, value, bound.Get(0));
}

absl::StatusOr<bool> SameAs(Runtime&, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("sameas", arguments, {{"other", true}}));
  return value.SameAs(bound.Get(0));
}

absl::StatusOr<bool> IsIn(Runtime& runtime, const Value& value, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const BoundArguments bound, Bind("in", arguments, {{"seq", true}}));
  return Contains(runtime, bound.Get(0), value);
}

template <auto Find>
absl::StatusOr<bool> NameExists(Runtime& runtime, const Value& value, const Arguments& arguments) {
  RETURN_IF_ERROR(Bind("the test", arguments, {}).status());
  RETURN_IF_ERROR(HashKey(runtime, value).status());
  return value.Is(Kind::kString) && Find(value.AsString()) != nullptr;
}

}  // namespace

Test FindTest(absl::string_view name) {
  static const auto* const tests = new absl::flat_hash_map<absl::string_view, Test>{
      {"!=", Comparison<ComparisonOperator::kNotEqual>},
      {"<", Comparison<ComparisonOperator::kLess>},
      {"<=", Comparison<ComparisonOperator::kLessEqual>},
      {"==", Comparison<ComparisonOperator::kEqual>},
      {">", Comparison<ComparisonOperator::kGreater>},
      {">=", Comparison<ComparisonOperator::kGreaterEqual>},
      {"boolean", Simple<IsKind<Kind::kBool>>},
      {"callable", Simple<IsCallable>},
      {"defined", Simple<IsDefined>},
      {"divisibleby", DivisibleBy},
      {"eq", Comparison<ComparisonOperator::kEqual>},
      {"equalto", Comparison<ComparisonOperator::kEqual>},
      {"escaped", Simple<IsEscaped>},
      {"even", OfParity<0>},
      {"false", Simple<IsFalse>},
      {"filter", NameExists<FindFilter>},
      {"float", Simple<IsKind<Kind::kFloat>>},
      {"ge", Comparison<ComparisonOperator::kGreaterEqual>},
      {"greaterthan", Comparison<ComparisonOperator::kGreater>},
      {"gt", Comparison<ComparisonOperator::kGreater>},
      {"in", IsIn},
      {"integer", Simple<IsKind<Kind::kInt>>},
      {"iterable", Simple<IsIterable>},
      {"le", Comparison<ComparisonOperator::kLessEqual>},
      {"lessthan", Comparison<ComparisonOperator::kLess>},
      {"lower", OfText<IsLower>},
      {"lt", Comparison<ComparisonOperator::kLess>},
      {"mapping", Simple<IsKind<Kind::kDict>>},
      {"ne", Comparison<ComparisonOperator::kNotEqual>},
      {"none", Simple<IsKind<Kind::kNone>>},
      {"number", Simple<IsNumberTest>},
      {"odd", OfParity<1>},
      {"sameas", SameAs},
      {"sequence", Simple<IsSequenceTest>},
      {"string", Simple<IsKind<Kind::kString>>},
      {"test", NameExists<FindTest>},
      {"true", Simple<IsTrue>},
      {"undefined", Simple<IsKind<Kind::kUndefined>>},
      {"upper", OfText<IsUpper>},
  };
  const auto found = tests->find(name);
  return found == tests->end() ? nullptr : found->second;
}

}  // namespace grpo::jinja
