// What the operators of an expression do to values, as in Python.
#pragma once

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

#include "data/jinja/runtime.h"
#include "data/jinja/value.h"

namespace grpo::jinja {

enum class ArithmeticOperator {
  kAdd,
  kSubtract,
  kMultiply,
  kDivide,
  kFloorDivide,
  kModulo,
  kPower
};
enum class ComparisonOperator { kEqual, kNotEqual, kLess, kLessEqual, kGreater, kGreaterEqual };

absl::StatusOr<Value> Arithmetic(Runtime& runtime, ArithmeticOperator op, const Value& left,
                                 const Value& right);
absl::StatusOr<Value> Negate(const Value& value);
absl::StatusOr<Value> Plus(const Value& value);  // unary

absl::StatusOr<bool> Equal(Runtime& runtime, const Value& left, const Value& right);
absl::StatusOr<bool> Compare(Runtime& runtime, ComparisonOperator op, const Value& left,
                             const Value& right);
// left < right, for sorting.
absl::StatusOr<bool> Less(Runtime& runtime, const Value& left, const Value& right);
// `item in container`.
absl::StatusOr<bool> Contains(Runtime& runtime, const Value& container, const Value& item);

// container[key] and object.name: a method or an item, whichever Jinja would take; an undefined
// value where there is neither.
absl::StatusOr<Value> Subscript(Runtime& runtime, const Value& container, const Value& key);
absl::StatusOr<Value> Attribute(Runtime& runtime, const Value& object, absl::string_view name);
// object.name without items: for the filter `attr`.
absl::StatusOr<Value> AttributeOnly(Runtime& runtime, const Value& object, absl::string_view name);

// container[start:stop:step]; None stands for what is left out.
absl::StatusOr<Value> Slice(Runtime& runtime, const Value& container, const Value& start,
                            const Value& stop, const Value& step);

// The positions that start:stop:step names in a sequence of `length` items.
struct SliceRange {
  int64_t start;
  int64_t stop;  // not included
  int64_t step;
  int64_t count;
};
SliceRange ResolveSlice(int64_t length, absl::optional<int64_t> start, absl::optional<int64_t> stop,
                        int64_t step);

}  // namespace grpo::jinja
