#include "data/jinja/operators.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"

#include "data/jinja/format.h"
#include "data/jinja/methods.h"
#include "data/jinja/number.h"
#include "data/jinja/text.h"
#include "data/status_macros.h"

namespace grpo::jinja {
namespace {

absl::string_view Symbol(ArithmeticOperator op) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return "+";
    case ArithmeticOperator::kSubtract:
      return "-";
    case ArithmeticOperator::kMultiply:
      return "*";
    case ArithmeticOperator::kDivide:
      return "/";
    case ArithmeticOperator::kFloorDivide:
      return "//";
    case ArithmeticOperator::kModulo:
      return "%";
    case ArithmeticOperator::kPower:
      return "**";
  }
  return "?";
}

absl::string_view Symbol(ComparisonOperator op) {
  switch (op) {
    case ComparisonOperator::kEqual:
      return "==";
    case ComparisonOperator::kNotEqual:
      return "!=";
    case ComparisonOperator::kLess:
      return "<";
    case ComparisonOperator::kLessEqual:
      return "<=";
    case ComparisonOperator::kGreater:
      return ">";
    case ComparisonOperator::kGreaterEqual:
      return ">=";
  }
  return "?";
}

absl::StatusOr<Value> AsValue(absl::StatusOr<int64_t> number) {
  if (!number.ok()) return number.status();
  return Value::Int(*number);
}

absl::StatusOr<Value> AsValue(absl::StatusOr<double> number) {
  if (!number.ok()) return number.status();
  return Value::Float(*number);
}

absl::StatusOr<Value> OfInts(ArithmeticOperator op, int64_t left, int64_t right) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return AsValue(AddInts(left, right));
    case ArithmeticOperator::kSubtract:
      return AsValue(SubtractInts(left, right));
    case ArithmeticOperator::kMultiply:
      return AsValue(MultiplyInts(left, right));
    case ArithmeticOperator::kDivide:
      return AsValue(DivideFloats(static_cast<double>(left), static_cast<double>(right)));
    case ArithmeticOperator::kFloorDivide:
      return AsValue(FloorDivideInts(left, right));
    case ArithmeticOperator::kModulo:
      return AsValue(ModuloInts(left, right));
    case ArithmeticOperator::kPower:
      if (right >= 0) return AsValue(PowerInts(left, right));
      return AsValue(PowerFloats(static_cast<double>(left), static_cast<double>(right)));
  }
  return absl::InternalError("no such operator");
}

absl::StatusOr<Value> OfFloats(ArithmeticOperator op, double left, double right) {
  switch (op) {
    case ArithmeticOperator::kAdd:
      return Value::Float(left + right);
    case ArithmeticOperator::kSubtract:
      return Value::Float(left - right);
    case ArithmeticOperator::kMultiply:
      return Value::Float(left * right);
    case ArithmeticOperator::kDivide:
      return AsValue(DivideFloats(left, right));
    case ArithmeticOperator::kFloorDivide:
      return AsValue(FloorDivideFloats(left, right));
    case ArithmeticOperator::kModulo:
      return AsValue(ModuloFloats(left, right));
    case ArithmeticOperator::kPower:
      return AsValue(PowerFloats(left, right));
  }
  return absl::InternalError("no such operator");
}

bool IsSequence(const Value& value) {
  return value.Is(Kind::kString) || value.Is(Kind::kList) || value.Is(Kind::kTuple);
}

absl::StatusOr<Value> Concatenate(Runtime& runtime, const Value& left, const Value& right) {
  if (left.Is(Kind::kString)) {
    return runtime.NewString(absl::StrCat(left.AsString(), right.AsString()));
  }
  Values items = left.Items();
  items.insert(items.end(), right.Items().begin(), right.Items().end());
  return left.Is(Kind::kList) ? runtime.NewList(std::move(items))
                              : runtime.NewTuple(std::move(items));
}

absl::StatusOr<Value> Repeat(Runtime& runtime, const Value& sequence, int64_t times) {
  times = std::max<int64_t>(times, 0);
  if (sequence.Is(Kind::kString)) {
    const std::string& text = sequence.AsString();
    RETURN_IF_ERROR(runtime.SpendProduct(text.empty() ? 0 : times, text.size()));
    std::string repeated;
    for (int64_t i = 0; i < times && !text.empty(); ++i) repeated += text;
    return runtime.NewString(std::move(repeated));
  }
  const Values& items = sequence.Items();
  RETURN_IF_ERROR(runtime.SpendProduct(items.empty() ? 0 : times, items.size() * kUnitsPerItem));
  Values repeated;
  for (int64_t i = 0; i < times && !items.empty(); ++i) {
    repeated.insert(repeated.end(), items.begin(), items.end());
  }
  return sequence.Is(Kind::kList) ? runtime.NewList(std::move(repeated))
                                  : runtime.NewTuple(std::move(repeated));
}

absl::StatusOr<bool> EqualItems(Runtime& runtime, const Values& left, const Values& right) {
  if (left.size() != right.size()) return false;
  for (size_t i = 0; i < left.size(); ++i) {
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, left[i], right[i]));
    if (!equal) return false;
  }
  return true;
}

absl::StatusOr<bool> EqualDicts(Runtime& runtime, const Dict& left, const Dict& right) {
  if (left.entries().size() != right.entries().size()) return false;
  for (const Dict::Entry& entry : left.entries()) {
    ASSIGN_OR_RETURN(const std::string hash, HashKey(runtime, entry.key));
    const Value* other = right.Find(hash);
    if (other == nullptr) return false;
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, entry.value, *other));
    if (!equal) return false;
  }
  return true;
}

bool EqualRanges(const Range& left, const Range& right) {
  const int64_t size = left.size();
  if (size != right.size()) return false;
  if (size == 0) return true;
  return left.start == right.start && (size == 1 || left.step == right.step);
}

// -1, 0 or 1 for two numbers; nothing where one is nan.
absl::optional<int> CompareNumbers(const Value& left, const Value& right) {
  const auto sign = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : 0; };
  if (left.IsInteger() && right.IsInteger()) return sign(left.AsInt(), right.AsInt());
  if (left.IsInteger()) return CompareIntToFloat(left.AsInt(), right.AsFloat());
  if (right.IsInteger()) {
    const auto reversed = CompareIntToFloat(right.AsInt(), left.AsFloat());
    return reversed.has_value() ? absl::optional<int>(-*reversed) : absl::nullopt;
  }
  if (left.AsFloat() != left.AsFloat() || right.AsFloat() != right.AsFloat()) return absl::nullopt;
  return sign(left.AsFloat(), right.AsFloat());
}

bool Holds(ComparisonOperator op, int order) {
  switch (op) {
    case ComparisonOperator::kEqual:
      return order == 0;
    case ComparisonOperator::kNotEqual:
      return order != 0;
    case ComparisonOperator::kLess:
      return order < 0;
    case ComparisonOperator::kLessEqual:
      return order <= 0;
    case ComparisonOperator::kGreater:
      return order > 0;
    case ComparisonOperator::kGreaterEqual:
      return order >= 0;
  }
  return false;
}

// By the first items that differ, then by length.
absl::StatusOr<bool> CompareItems(Runtime& runtime, ComparisonOperator op, const Values& left,
                                  const Values& right) {
  for (size_t i = 0; i < std::min(left.size(), right.size()); ++i) {
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, left[i], right[i]));
    if (!equal) return Compare(runtime, op, left[i], right[i]);
  }
  return Holds(op, left.size() < right.size() ? -1 : left.size() > right.size() ? 1 : 0);
}

// An undefined value that says which item or attribute the object does not have.
Value MissingItem(const Value& object, const std::string& shown_key) {
  return Value::Missing(absl::StrCat(TypeName(object), " object has no element ", shown_key));
}

Value MissingAttribute(const Value& object, absl::string_view name) {
  const std::string owner = object.Is(Kind::kNone)        ? "None"
                            : object.Is(Kind::kNamespace) ? "jinja2.utils.Namespace object"
                                                          : TypeName(object) + " object";
  return Value::Missing(absl::StrCat("'", owner, "' has no attribute ", QuotePython(name)));
}

absl::StatusOr<absl::optional<Value>> ItemAt(Runtime& runtime, const Value& sequence,
                                             int64_t index) {
  ASSIGN_OR_RETURN(const int64_t length, runtime.Length(sequence));
  if (index < 0) index += length;
  if (index < 0 || index >= length) return absl::nullopt;
  if (sequence.Is(Kind::kRange)) return Value::Int(sequence.As<const Range>()->at(index));
  if (!sequence.Is(Kind::kString)) return sequence.Items()[index];
  const absl::string_view text = sequence.AsString();
  const size_t start = ByteOffset(text, index);
  ASSIGN_OR_RETURN(
      Value character,
      runtime.NewString(std::string(text.substr(start, ByteOffset(text.substr(start), 1)))));
  return character;
}

// container[key], or nothing where Python would raise TypeError or LookupError.
absl::StatusOr<absl::optional<Value>> FindItem(Runtime& runtime, const Value& container,
                                               const Value& key) {
  switch (container.kind()) {
    case Kind::kUndefined:
      return UndefinedError(container);
    case Kind::kString:
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kRange:
      if (!key.IsInteger()) return absl::nullopt;
      return ItemAt(runtime, container, key.AsInt());
    case Kind::kDict: {
      const auto hash = HashKey(runtime, key);
      if (absl::IsResourceExhausted(hash.status())) return hash.status();
      const Value* found = hash.ok() ? container.As<const Dict>()->Find(*hash) : nullptr;
      return found == nullptr ? absl::nullopt : absl::optional<Value>(*found);
    }
    default:
      return absl::nullopt;
  }
}

absl::optional<int64_t> SliceBound(const Value& bound) {
  return bound.Is(Kind::kNone) ? absl::nullopt : absl::optional<int64_t>(bound.AsInt());
}

absl::StatusOr<Value> SliceText(Runtime& runtime, const std::string& text,
                                const SliceRange& range) {
  if (range.count == 0) return runtime.NewString("");
  if (range.step == 1) {
    const size_t start = ByteOffset(text, range.start);
    const size_t size = ByteOffset(absl::string_view(text).substr(start), range.count);
    return runtime.NewString(text.substr(start, size));
  }
  RETURN_IF_ERROR(runtime.SpendProduct(text.size(), sizeof(absl::string_view)));
  const std::vector<absl::string_view> characters = Characters(text);
  std::string sliced;
  for (int64_t i = 0; i < range.count; ++i) {
    absl::StrAppend(&sliced, characters[range.start + i * range.step]);
  }
  return runtime.NewString(std::move(sliced));
}

absl::StatusOr<Value> SliceOfRange(const Range& whole, const SliceRange& range) {
  const auto place = [&whole](int64_t index) -> absl::StatusOr<int64_t> {
    ASSIGN_OR_RETURN(const int64_t offset, MultiplyInts(index, whole.step));
    return AddInts(whole.start, offset);
  };
  Range sliced;
  ASSIGN_OR_RETURN(sliced.start, place(range.start));
  ASSIGN_OR_RETURN(sliced.stop, place(range.stop));
  ASSIGN_OR_RETURN(sliced.step, MultiplyInts(whole.step, range.step));
  return Value::Of(std::make_shared<const Range>(sliced));
}

}  // namespace

absl::StatusOr<Value> Arithmetic(Runtime& runtime, ArithmeticOperator op, const Value& left,
                                 const Value& right) {
  if (op == ArithmeticOperator::kModulo && left.Is(Kind::kString)) {
    return FormatPercent(runtime, left.AsString(), right);
  }
  if (left.Is(Kind::kUndefined)) return UndefinedError(left);
  if (right.Is(Kind::kUndefined)) return UndefinedError(right);
  if (left.IsInteger() && right.IsInteger()) return OfInts(op, left.AsInt(), right.AsInt());
  if (left.IsNumber() && right.IsNumber()) return OfFloats(op, left.AsFloat(), right.AsFloat());
  if (op == ArithmeticOperator::kAdd && IsSequence(left) && left.kind() == right.kind()) {
    return Concatenate(runtime, left, right);
  }
  if (op == ArithmeticOperator::kMultiply) {
    if (IsSequence(left) && right.IsInteger()) return Repeat(runtime, left, right.AsInt());
    if (IsSequence(right) && left.IsInteger()) return Repeat(runtime, right, left.AsInt());
  }
  return absl::InvalidArgumentError(absl::StrCat("unsupported operand types for ", Symbol(op),
                                                 ": '", TypeName(left), "' and '", TypeName(right),
                                                 "'"));
}

absl::StatusOr<Value> Negate(const Value& value) {
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  if (value.IsInteger()) return AsValue(SubtractInts(0, value.AsInt()));
  if (value.Is(Kind::kFloat)) return Value::Float(-value.AsFloat());
  return absl::InvalidArgumentError(
      absl::StrCat("bad operand type for unary -: '", TypeName(value), "'"));
}

absl::StatusOr<Value> Plus(const Value& value) {
  if (value.Is(Kind::kUndefined)) return UndefinedError(value);
  if (value.IsInteger()) return Value::Int(value.AsInt());
  if (value.Is(Kind::kFloat)) return value;
  return absl::InvalidArgumentError(
      absl::StrCat("bad operand type for unary +: '", TypeName(value), "'"));
}

absl::StatusOr<bool> Equal(Runtime& runtime, const Value& left, const Value& right) {
  RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
  if (left.IsNumber() && right.IsNumber()) {
    const auto order = CompareNumbers(left, right);
    return order.has_value() && *order == 0;
  }
  if (left.kind() != right.kind()) return false;
  switch (left.kind()) {
    case Kind::kUndefined:
      return true;
    case Kind::kString:
      RETURN_IF_ERROR(runtime.Spend(left.AsString().size()));
      return left.AsString() == right.AsString();
    case Kind::kList:
    case Kind::kTuple:
      return EqualItems(runtime, left.Items(), right.Items());
    case Kind::kDict:
      return EqualDicts(runtime, *left.As<const Dict>(), *right.As<const Dict>());
    case Kind::kRange:
      return EqualRanges(*left.As<const Range>(), *right.As<const Range>());
    default:
      return left.SameAs(right);
  }
}

absl::StatusOr<bool> Compare(Runtime& runtime, ComparisonOperator op, const Value& left,
                             const Value& right) {
  if (op == ComparisonOperator::kEqual || op == ComparisonOperator::kNotEqual) {
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, left, right));
    return equal == (op == ComparisonOperator::kEqual);
  }
  RETURN_IF_ERROR(runtime.Spend(kUnitsPerStep));
  if (left.Is(Kind::kUndefined)) return UndefinedError(left);
  if (right.Is(Kind::kUndefined)) return UndefinedError(right);
  if (left.IsNumber() && right.IsNumber()) {
    const auto order = CompareNumbers(left, right);
    return order.has_value() && Holds(op, *order);
  }
  if (left.Is(Kind::kString) && right.Is(Kind::kString)) {
    RETURN_IF_ERROR(runtime.Spend(left.AsString().size()));
    // The order of UTF-8's bytes is that of the code points.
    return Holds(op, left.AsString().compare(right.AsString()));
  }
  if (IsSequence(left) && left.kind() == right.kind()) {
    return CompareItems(runtime, op, left.Items(), right.Items());
  }
  return absl::InvalidArgumentError(absl::StrCat("'", Symbol(op), "' not supported between '",
                                                 TypeName(left), "' and '", TypeName(right), "'"));
}

absl::StatusOr<bool> Less(Runtime& runtime, const Value& left, const Value& right) {
  return Compare(runtime, ComparisonOperator::kLess, left, right);
}

absl::StatusOr<bool> Contains(Runtime& runtime, const Value& container, const Value& item) {
  switch (container.kind()) {
    case Kind::kString:
      if (!item.Is(Kind::kString)) {
        return absl::InvalidArgumentError(
            absl::StrCat("only a string can be in a string, not '", TypeName(item), "'"));
      }
      RETURN_IF_ERROR(runtime.Spend(container.AsString().size() + item.AsString().size()));
      return FindText(container.AsString(), item.AsString()) != absl::string_view::npos;
    case Kind::kDict: {
      ASSIGN_OR_RETURN(const std::string hash, HashKey(runtime, item));
      return container.As<const Dict>()->Find(hash) != nullptr;
    }
    default:
      break;
  }
  ASSIGN_OR_RETURN(const auto items, runtime.Iterate(container));
  for (const Value& candidate : *items) {
    if (candidate.SameAs(item) && !candidate.IsNumber()) return true;
    ASSIGN_OR_RETURN(const bool equal, Equal(runtime, candidate, item));
    if (equal) return true;
  }
  return false;
}

absl::StatusOr<Value> Subscript(Runtime& runtime, const Value& container, const Value& key) {
  ASSIGN_OR_RETURN(absl::optional<Value> item, FindItem(runtime, container, key));
  if (item.has_value()) return *std::move(item);
  if (key.Is(Kind::kString)) {
    ASSIGN_OR_RETURN(absl::optional<Value> method,
                     FindAttribute(runtime, container, key.AsString()));
    if (method.has_value()) return *std::move(method);
    return MissingAttribute(container, key.AsString());
  }
  ASSIGN_OR_RETURN(const std::string shown, ToRepr(runtime, key));
  return MissingItem(container, shown.substr(0, 200));
}

absl::StatusOr<Value> Attribute(Runtime& runtime, const Value& object, absl::string_view name) {
  ASSIGN_OR_RETURN(absl::optional<Value> attribute, FindAttribute(runtime, object, name));
  if (attribute.has_value()) return *std::move(attribute);
  if (object.Is(Kind::kDict)) {
    const Value* item = object.As<const Dict>()->FindString(name);
    if (item != nullptr) return *item;
  }
  return MissingAttribute(object, name);
}

absl::StatusOr<Value> AttributeOnly(Runtime& runtime, const Value& object, absl::string_view name) {
  ASSIGN_OR_RETURN(absl::optional<Value> attribute, FindAttribute(runtime, object, name));
  return attribute.has_value() ? *std::move(attribute) : MissingAttribute(object, name);
}

SliceRange ResolveSlice(int64_t length, absl::optional<int64_t> start, absl::optional<int64_t> stop,
                        int64_t step) {
  // Backwards, the place before the first item counts as an end.
  const int64_t lowest = step < 0 ? -1 : 0;
  const int64_t highest = step < 0 ? length - 1 : length;
  const auto place = [&](int64_t position) {
    if (position < 0) return std::max(position + length, lowest);
    return std::min(position, highest);
  };
  const int64_t first = start.has_value() ? place(*start) : (step < 0 ? highest : lowest);
  const int64_t end = stop.has_value() ? place(*stop) : (step < 0 ? lowest : highest);
  return {first, end, step, Range{first, end, step}.size()};
}

absl::StatusOr<Value> Slice(Runtime& runtime, const Value& container, const Value& start,
                            const Value& stop, const Value& step) {
  if (container.Is(Kind::kUndefined)) return UndefinedError(container);
  if (!IsSequence(container) && !container.Is(Kind::kRange)) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", TypeName(container), "' object cannot be sliced"));
  }
  for (const Value* bound : {&start, &stop, &step}) {
    if (bound->Is(Kind::kNone) || bound->IsInteger()) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("slice indices must be integers or none, found a '", TypeName(*bound), "'"));
  }
  const int64_t stride = step.Is(Kind::kNone) ? 1 : step.AsInt();
  if (stride == 0) return absl::InvalidArgumentError("slice step cannot be zero");
  ASSIGN_OR_RETURN(const int64_t length, runtime.Length(container));
  const SliceRange range = ResolveSlice(length, SliceBound(start), SliceBound(stop), stride);
  if (container.Is(Kind::kString)) return SliceText(runtime, container.AsString(), range);
  if (container.Is(Kind::kRange)) return SliceOfRange(*container.As<const Range>(), range);
  RETURN_IF_ERROR(runtime.SpendProduct(range.count, kUnitsPerItem));
  Values items;
  for (int64_t i = 0; i < range.count; ++i) {
    items.push_back(container.Items()[range.start + i * stride]);
  }
  return container.Is(Kind::kList) ? runtime.NewList(std::move(items))
                                   : runtime.NewTuple(std::move(items));
}

}  // namespace grpo::jinja
