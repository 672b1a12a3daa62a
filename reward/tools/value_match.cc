#include "reward/tools/value_match.h"

#include <algorithm>
#include <limits>
#include <string>

#include "data/json_fields.h"
#include "data/utf8.h"
#include "reward/folded_text.h"
#include "reward/tools/tool_schema.h"

namespace grpo {
namespace {

using nlohmann::json;

std::string WithoutSpace(const std::string& text) {
  std::string kept;
  for (absl::string_view rest = text; !rest.empty();) {
    const size_t size = Utf8CharacterSize(rest);
    if (!IsWhiteSpace(DecodeUtf8(rest))) kept.append(rest.data(), size);
    rest.remove_prefix(size);
  }
  return kept;
}

bool SameString(const std::string& a, const std::string& b, StringRule rule) {
  if (a == b) return true;
  return rule == StringRule::kFolded && WithoutSpace(FoldText(a)) == WithoutSpace(FoldText(b));
}

// Whether the schema lets a number be a float.
bool TakesFloats(const json& schema) { return SchemaViolation(json(0.5), schema).empty(); }

bool HasTypeName(const json& schema) { return schema.is_object() && schema.contains("type"); }

const json& ItemSchema(const json& schema) { return FieldOrNull(schema, "items"); }

bool NumberMatches(const json& value, const json& expected, const json& schema) {
  if (!SameNumber(value, expected)) return false;
  if (!value.is_number_float() || expected.is_number_float()) return true;
  return HasTypeName(schema) && TakesFloats(schema);
}

// Whether the value's items match the expected ones one by one.
template <typename Matches>
bool ListMatches(const json& value, const json& expected, const Matches& matches) {
  return value.size() == expected.size() &&
         std::equal(value.begin(), value.end(), expected.begin(), matches);
}

// One item of a list of allowed values.
bool ItemAllowed(const json& value, const json& item, const json& schema, StringRule strings) {
  if (value.is_array() && item.is_array()) {
    return ListMatches(value, item, [&](const json& a, const json& b) {
      return ItemAllowed(a, b, ItemSchema(schema), strings);
    });
  }
  if (!value.is_object() || !item.is_object()) {
    return ValueMatches(value, item, schema, strings);
  }
  for (const auto& field : value.items()) {
    if (!item.contains(field.key())) return false;
  }
  for (const auto& field : item.items()) {
    const json& found = FieldOrNull(value, field.key());
    if (!value.contains(field.key())) {
      if (!MayBeMissing(field.value())) return false;
    } else if (!ValueAllowed(found, field.value(), ParameterSchema(schema, field.key()), strings)) {
      return false;
    }
  }
  return true;
}

}  // namespace

bool SameNumber(const json& a, const json& b) {
  if (!a.is_number() || !b.is_number()) return false;
  if (a.is_number_float() && b.is_number_float()) return a.get<double>() == b.get<double>();
  // 64 bits of mantissa hold every value of either kind.
  const auto wide = [](const json& number) -> long double {
    if (number.is_number_float()) return number.get<double>();
    if (number.is_number_unsigned()) return number.get<uint64_t>();
    return number.get<int64_t>();
  };
  static_assert(std::numeric_limits<long double>::digits >= 64);
  return wide(a) == wide(b);
}

bool SameJson(const json& a, const json& b) {
  if (a.is_array() && b.is_array()) return ListMatches(a, b, SameJson);
  if (a.is_object() && b.is_object()) {
    if (a.size() != b.size()) return false;
    for (const auto& field : a.items()) {
      if (!b.contains(field.key()) || !SameJson(field.value(), b[field.key()])) return false;
    }
    return true;
  }
  return a.is_number() ? SameNumber(a, b) : a == b && !b.is_number();
}

bool ValueMatches(const json& value, const json& expected, const json& schema, StringRule strings) {
  if (value.is_number() && expected.is_number()) return NumberMatches(value, expected, schema);
  if (value.is_string() && expected.is_string()) {
    return SameString(value.get_ref<const std::string&>(), expected.get_ref<const std::string&>(),
                      strings);
  }
  if (value.is_array() && expected.is_array()) {
    return ListMatches(value, expected, [&](const json& a, const json& b) {
      return ValueMatches(a, b, ItemSchema(schema), strings);
    });
  }
  if (!value.is_object() || !expected.is_object()) return SameJson(value, expected);
  if (value.size() != expected.size()) return false;
  for (const auto& field : value.items()) {
    if (!expected.contains(field.key()) ||
        !ValueMatches(field.value(), expected[field.key()], ParameterSchema(schema, field.key()),
                      strings)) {
      return false;
    }
  }
  return true;
}

bool ValueAllowed(const json& value, const json& allowed, const json& schema, StringRule strings) {
  if (!allowed.is_array()) return ItemAllowed(value, allowed, schema, strings);
  return std::any_of(allowed.begin(), allowed.end(), [&](const json& item) {
    return item != "" && ItemAllowed(value, item, schema, strings);
  });
}

bool MayBeMissing(const json& allowed) {
  return allowed.is_array() && std::find(allowed.begin(), allowed.end(), "") != allowed.end();
}

json FirstInstance(const json& item) {
  if (item.is_array()) {
    json list = json::array();
    for (const json& part : item) list.push_back(FirstInstance(part));
    return list;
  }
  if (!item.is_object()) return item;
  json object = json::object();
  for (const auto& field : item.items()) {
    if (!field.value().is_array()) {
      object[field.key()] = FirstInstance(field.value());
      continue;
    }
    for (const json& allowed : field.value()) {
      if (allowed == "") continue;
      object[field.key()] = FirstInstance(allowed);
      break;
    }
  }
  return object;
}

}  // namespace grpo
