#include "reward/code/value.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "nlohmann/json.hpp"

#include "data/json.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

using Kind = Value::Kind;

// Builds a Value from nlohmann's parser, which calls back without recursion.
class ValueBuilder : public nlohmann::json_sax<nlohmann::json> {
 public:
  explicit ValueBuilder(const ValueLimits& limits) : limits_(limits) {}

  bool null() override { return Add({}); }
  bool boolean(bool truth) override {
    Value value = Of(Kind::kBool);
    value.truth = truth;
    return Add(std::move(value));
  }
  bool number_integer(number_integer_t number) override { return AddInt(absl::StrCat(number)); }
  bool number_unsigned(number_unsigned_t number) override { return AddInt(absl::StrCat(number)); }
  // Also called for integers beyond 64 bits, with their text.
  bool number_float(number_float_t number, const string_t& text) override {
    if (text.find_first_of(".eE") == std::string::npos) return AddInt(text);
    Value value = Of(Kind::kFloat);
    value.number = number;
    return Add(std::move(value));
  }
  bool string(string_t& text) override { return AddText(Kind::kString, text); }
  bool binary(binary_t&) override { return false; }
  bool key(string_t& text) override { return AddText(Kind::kString, text); }
  bool start_object(std::size_t) override { return Open(Kind::kDict); }
  bool start_array(std::size_t) override { return Open(Kind::kList); }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t position, const std::string&,
                   const nlohmann::detail::exception&) override {
    fault_ = absl::StrCat("no JSON at byte ", position);
    return false;
  }

  const std::string& fault() const { return fault_; }
  Value Take() { return std::move(root_); }

 private:
  static Value Of(Kind kind) {
    Value value;
    value.kind = kind;
    return value;
  }

  bool AddText(Kind kind, const std::string& text) {
    Value value = Of(kind);
    value.text = text;
    return Add(std::move(value));
  }

  bool AddInt(const std::string& digits) {
    return AddText(Kind::kInt, digits == "-0" ? "0" : digits);
  }

  bool Add(Value value) {
    if (++count_ > limits_.max_values) {
      fault_ = "too many values";
      return false;
    }
    if (open_.empty()) {
      root_ = std::move(value);
    } else {
      open_.back().items.push_back(std::move(value));
    }
    return true;
  }

  bool Open(Kind kind) {
    if (static_cast<int>(open_.size()) >= limits_.max_depth) {
      fault_ = "nested too deep";
      return false;
    }
    open_.push_back(Of(kind));
    return true;
  }

  bool Close() {
    Value value = std::move(open_.back());
    open_.pop_back();
    return Add(std::move(value));
  }

  const ValueLimits limits_;
  std::vector<Value> open_;  // lists and objects around the place that is being read
  Value root_;
  size_t count_ = 0;
  std::string fault_;
};

absl::Status BadTag(absl::string_view tag) {
  return absl::InvalidArgumentError(
      absl::StrCat("malformed tagged value ", QuoteForMessage(tag, 10)));
}

// "-12" and "0", but neither "+1", "-0" nor "012": one text for one number.
bool IsCanonicalInt(absl::string_view digits) {
  if (digits == "0") return true;
  if (!digits.empty() && digits[0] == '-') digits.remove_prefix(1);
  return !digits.empty() && digits[0] != '0' &&
         std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// What kInt holds for the digits of {"h": …}; empty where they are malformed, or so few that the
// number has its text in decimal digits.
std::string FromHex(absl::string_view digits) {
  constexpr size_t kMostInDecimal = 65536 / 4;
  const bool negative = absl::ConsumePrefix(&digits, "-");
  const bool canonical = digits.size() > kMostInDecimal && digits[0] != '0' &&
                         digits.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
  return canonical ? absl::StrCat(negative ? "-0x" : "0x", digits) : "";
}

absl::StatusOr<Value> FromPairs(Value content) {
  Value dict;
  dict.kind = Kind::kDict;
  if (content.kind != Kind::kList) return BadTag("d");
  for (Value& pair : content.items) {
    if (pair.kind != Kind::kList || pair.items.size() != 2) return BadTag("d");
    for (Value& part : pair.items) {
      ASSIGN_OR_RETURN(Value read, FromTagged(std::move(part)));
      dict.items.push_back(std::move(read));
    }
  }
  return dict;
}

absl::StatusOr<Value> FromList(Kind kind, Value content, absl::string_view tag) {
  if (content.kind != Kind::kList) return BadTag(tag);
  ASSIGN_OR_RETURN(Value list, FromTagged(std::move(content)));
  list.kind = kind;
  if (kind == Kind::kComplex) {
    if (list.items.size() != 2) return BadTag(tag);
    for (const Value& part : list.items) {
      if (part.kind != Kind::kFloat) return BadTag(tag);
    }
  }
  return list;
}

absl::StatusOr<Value> FromText(absl::string_view tag, Value content) {
  Value value;
  if (content.kind != Kind::kString) return BadTag(tag);
  value.text = std::move(content.text);
  if (tag == "i") {
    value.kind = Kind::kInt;
    if (!IsCanonicalInt(value.text)) return BadTag(tag);
  } else if (tag == "h") {
    value.kind = Kind::kInt;
    value.text = FromHex(value.text);
    if (value.text.empty()) return BadTag(tag);
  } else if (tag == "f") {
    value.kind = Kind::kFloat;
    if (!absl::SimpleAtod(value.text, &value.number)) return BadTag(tag);
  } else if (tag == "b") {
    value.kind = Kind::kBytes;
    const bool is_hex = value.text.size() % 2 == 0 &&
                        value.text.find_first_not_of("0123456789abcdef") == std::string::npos;
    if (!is_hex) return BadTag(tag);
    value.text = absl::HexStringToBytes(value.text);
  } else if (tag == "o") {
    value.kind = Kind::kOpaque;
  } else {
    return BadTag(tag);
  }
  return value;
}

// The number as long as a float can hold it exactly: "3" and 3.0 are one number.
bool IntEqualsFloat(const std::string& digits, double number) {
  if (!std::isfinite(number) || number != std::floor(number)) return false;
  char text[400];
  snprintf(text, sizeof(text), "%.0f", number);
  return digits == (std::string(text) == "-0" ? "0" : text);
}

bool NumbersEqual(const Value& expected, const Value& found, double tolerance) {
  if (expected.kind == Kind::kInt && found.kind == Kind::kInt && expected.text == found.text)
    return true;
  if (expected.kind == Kind::kInt && found.kind == Kind::kFloat &&
      IntEqualsFloat(expected.text, found.number)) {
    return true;
  }
  if (expected.kind == Kind::kFloat && found.kind == Kind::kInt &&
      IntEqualsFloat(found.text, expected.number)) {
    return true;
  }
  // Integers are never approximate, floats are as far as the tolerance says.
  if (expected.kind == Kind::kInt && found.kind == Kind::kInt) return false;
  const double wanted = AsDouble(expected), given = AsDouble(found);
  if (expected.kind == Kind::kFloat && found.kind == Kind::kFloat) {
    if (wanted == given || (std::isnan(wanted) && std::isnan(given))) return true;
  }
  if (tolerance <= 0 || !std::isfinite(wanted) || !std::isfinite(given)) return false;
  return std::abs(wanted - given) <= tolerance * std::max(1.0, std::abs(wanted));
}

std::string Canonical(const Value& value, bool keys_as_json);

std::string Joined(const Value& value, absl::string_view open, bool sorted, bool keys_as_json) {
  std::vector<std::string> parts;
  for (const Value& item : value.items) parts.push_back(Canonical(item, keys_as_json));
  if (sorted) std::sort(parts.begin(), parts.end());
  std::string text(open);
  for (const std::string& part : parts) absl::StrAppend(&text, part.size(), ":", part);
  return text;
}

// One text for all values that are equal without tolerance, for members of sets and keys of dicts.
std::string Canonical(const Value& value, bool keys_as_json) {
  switch (value.kind) {
    case Kind::kNull:
      return keys_as_json ? "'null" : "N";
    case Kind::kBool:
      return absl::StrCat(keys_as_json ? "'" : "B", value.truth ? "true" : "false");
    case Kind::kInt:
      return absl::StrCat(keys_as_json ? "'" : "#", value.text);
    case Kind::kFloat: {
      char text[400];
      const bool integral = std::isfinite(value.number) && value.number == std::floor(value.number);
      if (integral && !keys_as_json) {
        snprintf(text, sizeof(text), "%.0f", value.number);
        return absl::StrCat("#", std::string(text) == "-0" ? "0" : text);
      }
      snprintf(text, sizeof(text), "%.17g", value.number);
      return absl::StrCat(keys_as_json ? "'" : "#", text);
    }
    case Kind::kString:
      return absl::StrCat("'", value.text);
    case Kind::kBytes:
      return absl::StrCat("b", value.text);
    case Kind::kOpaque:
      return absl::StrCat("?", reinterpret_cast<uintptr_t>(&value));
    case Kind::kList:
      return Joined(value, "[", false, false);
    case Kind::kTuple:
      return Joined(value, "(", false, false);
    case Kind::kComplex:
      return Joined(value, "c", false, false);
    case Kind::kSet:
      return Joined(value, "{", true, false);
    case Kind::kDict:
      return Joined(value, "d", false, false);
  }
  return "";
}

bool ListsEqual(const Value& expected, const Value& found, const ValueEquality& rules) {
  if (expected.items.size() != found.items.size()) return false;
  for (size_t i = 0; i < expected.items.size(); ++i) {
    if (!ValuesEqual(expected.items[i], found.items[i], rules)) return false;
  }
  return true;
}

bool SetsEqual(const Value& expected, const Value& found) {
  return Joined(expected, "", true, false) == Joined(found, "", true, false);
}

bool DictsEqual(const Value& expected, const Value& found, const ValueEquality& rules) {
  if (expected.items.size() != found.items.size()) return false;
  std::map<std::string, const Value*> values;
  for (size_t i = 0; i + 1 < found.items.size(); i += 2) {
    values[Canonical(found.items[i], rules.expected_is_json)] = &found.items[i + 1];
  }
  if (values.size() * 2 != found.items.size()) return false;  // two keys that are one
  for (size_t i = 0; i + 1 < expected.items.size(); i += 2) {
    const auto place = values.find(Canonical(expected.items[i], rules.expected_is_json));
    if (place == values.end()) return false;
    if (!ValuesEqual(expected.items[i + 1], *place->second, rules)) return false;
  }
  return true;
}

bool IsSequence(const Value& value) {
  return value.kind == Kind::kList || value.kind == Kind::kTuple;
}

std::string QuoteJson(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
}

// True as 1: what Python's == makes of it.
Value AsInt(const Value& truth) {
  Value number;
  number.kind = Kind::kInt;
  number.text = truth.truth ? "1" : "0";
  return number;
}

}  // namespace

absl::StatusOr<Value> ParseJsonValue(absl::string_view json, const ValueLimits& limits) {
  ValueBuilder builder(limits);
  if (!nlohmann::json::sax_parse(json.begin(), json.end(), &builder)) {
    return absl::InvalidArgumentError(builder.fault().empty() ? "no JSON" : builder.fault());
  }
  return builder.Take();
}

absl::StatusOr<Value> ParseTaggedValue(absl::string_view json, const ValueLimits& limits) {
  ASSIGN_OR_RETURN(Value value, ParseJsonValue(json, limits));
  return FromTagged(std::move(value));
}

absl::StatusOr<Value> FromTagged(Value value) {
  if (value.kind == Kind::kList) {
    for (Value& item : value.items) {
      ASSIGN_OR_RETURN(item, FromTagged(std::move(item)));
    }
    return value;
  }
  if (value.kind != Kind::kDict) return value;
  if (value.items.size() != 2) return BadTag("");
  const std::string tag = value.items[0].text;
  Value content = std::move(value.items[1]);
  if (tag == "t") return FromList(Kind::kTuple, std::move(content), tag);
  if (tag == "s") return FromList(Kind::kSet, std::move(content), tag);
  if (tag == "c") return FromList(Kind::kComplex, std::move(content), tag);
  if (tag == "d") return FromPairs(std::move(content));
  return FromText(tag, std::move(content));
}

std::string ToJson(const Value& value) {
  switch (value.kind) {
    case Kind::kBool:
      return value.truth ? "true" : "false";
    case Kind::kInt:
      return value.text;
    case Kind::kFloat:
      return nlohmann::json(value.number).dump();
    case Kind::kString:
      return QuoteJson(value.text);
    case Kind::kList: {
      std::string text = "[";
      for (const Value& item : value.items)
        absl::StrAppend(&text, text.size() > 1 ? ", " : "", ToJson(item));
      return text + "]";
    }
    case Kind::kDict: {
      std::string text = "{";
      for (size_t i = 0; i + 1 < value.items.size(); i += 2) {
        absl::StrAppend(&text, i > 0 ? ", " : "", ToJson(value.items[i]), ": ",
                        ToJson(value.items[i + 1]));
      }
      return text + "}";
    }
    default:
      return "null";
  }
}

const Value* Find(const Value& dict, absl::string_view key) {
  if (dict.kind != Kind::kDict) return nullptr;
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (dict.items[i].text == key) return &dict.items[i + 1];
  }
  return nullptr;
}

bool IsNumber(const Value& value) { return value.kind == Kind::kInt || value.kind == Kind::kFloat; }

double AsDouble(const Value& value) {
  return value.kind == Kind::kFloat ? value.number : strtod(value.text.c_str(), nullptr);
}

bool IsTruthy(const Value& value) {
  switch (value.kind) {
    case Kind::kNull:
      return false;
    case Kind::kBool:
      return value.truth;
    case Kind::kInt:
      return value.text != "0";
    case Kind::kFloat:
      return value.number != 0;
    case Kind::kString:
    case Kind::kBytes:
      return !value.text.empty();
    case Kind::kComplex:
      return IsTruthy(value.items[0]) || IsTruthy(value.items[1]);
    case Kind::kOpaque:
      return true;
    default:
      return !value.items.empty();
  }
}

bool ValuesEqual(const Value& expected, const Value& found, const ValueEquality& rules) {
  if (rules.bool_is_int && expected.kind != found.kind) {
    if (expected.kind == Kind::kBool) return ValuesEqual(AsInt(expected), found, rules);
    if (found.kind == Kind::kBool) return ValuesEqual(expected, AsInt(found), rules);
  }
  if (IsNumber(expected) && IsNumber(found)) return NumbersEqual(expected, found, rules.tolerance);
  if (rules.expected_is_json && IsSequence(expected) && IsSequence(found)) {
    return ListsEqual(expected, found, rules);
  }
  if (expected.kind != found.kind) return false;
  switch (expected.kind) {
    case Kind::kNull:
      return true;
    case Kind::kBool:
      return expected.truth == found.truth;
    case Kind::kString:
    case Kind::kBytes:
      return expected.text == found.text;
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kComplex:
      return ListsEqual(expected, found, rules);
    case Kind::kSet:
      return SetsEqual(expected, found);
    case Kind::kDict:
      return DictsEqual(expected, found, rules);
    default:
      return false;
  }
}

std::string DescribeValue(const Value& value, size_t limit) {
  switch (value.kind) {
    case Kind::kOpaque:
      return absl::StrCat("an object of type ", QuoteForMessage(value.text, 40));
    case Kind::kSet:
      return "a set";
    case Kind::kBytes:
      return "bytes";
    case Kind::kComplex:
      return "a complex number";
    case Kind::kTuple:
      return "a tuple";
    default:
      return QuoteForMessage(ToJson(value), limit);
  }
}

}  // namespace grpo
