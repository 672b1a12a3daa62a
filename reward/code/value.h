// Values that cross between a program in a sandbox and the host, read from bytes that the program
// may have forged, and compared here, where the program cannot reach.
//
// Plain JSON has lists, objects and numbers. Tagged JSON has all of Python's plain types, as
// objects with one key: {"i": "10…"} an int beyond 64 bits, {"h": "-ff…"} one beyond 65,536 bits in
// hexadecimal digits, {"f": "nan"}, {"t": […]} a tuple, {"d": [[key, value], …]} a dict,
// {"s": […]} a set, {"b": "00ff"} bytes, {"c": [re, im]} a complex number, {"o": "Name"} an object
// of another type, which equals nothing.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo {

struct Value {
  enum class Kind {
    kNull,
    kBool,
    kInt,
    kFloat,
    kString,
    kList,
    kTuple,
    kDict,
    kSet,
    kBytes,
    kComplex,
    kOpaque
  };
  Kind kind = Kind::kNull;
  bool truth = false;  // kBool
  // kInt: decimal digits, or beyond 65,536 bits "0x" and hexadecimal ones, with a sign where
  // negative; kString, kBytes; kOpaque: the type.
  std::string text;
  double number = 0;  // kFloat
  std::vector<Value>
      items;  // kList, kTuple, kSet, kComplex (two floats); kDict: key, value, key, value, …
};

struct ValueLimits {
  int max_depth = 200;
  size_t max_values = 2000000;  // lists, numbers, strings, … in all
};

// Integers keep all their digits. An object is a dict with string keys.
absl::StatusOr<Value> ParseJsonValue(absl::string_view json, const ValueLimits& limits = {});
absl::StatusOr<Value> ParseTaggedValue(absl::string_view json, const ValueLimits& limits = {});
// What tagged JSON that was read as plain JSON says.
absl::StatusOr<Value> FromTagged(Value value);

// The value as plain JSON again; a dict's keys must be strings. Floats with all their digits.
std::string ToJson(const Value& value);

// The value of a key of a dict; null where it is not there.
const Value* Find(const Value& dict, absl::string_view key);

struct ValueEquality {
  // Floats are equal where |a - b| <= tolerance * max(1, |expected|); 0 asks for the same number.
  double tolerance = 0;
  // Whether the expected value was plain JSON, which has neither tuples nor keys that are no
  // strings: then a list equals a tuple, and a key that JSON writes the same way ("1" and 1).
  bool expected_is_json = true;
  // Python's own rule: True equals 1.
  bool bool_is_int = false;
};

// Whether a program's value is the expected one: Python's == on plain types, but that a bool is no
// int. An int equals a float of the same value. NaN equals NaN where it is expected.
bool ValuesEqual(const Value& expected, const Value& found, const ValueEquality& rules);

bool IsNumber(const Value& value);  // kInt or kFloat
double AsDouble(const Value& number);

// Python's bool(value). An object of another type is true.
bool IsTruthy(const Value& value);

// At most `limit` bytes for a message.
std::string DescribeValue(const Value& value, size_t limit = 60);

}  // namespace grpo
