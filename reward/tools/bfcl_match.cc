#include "reward/tools/bfcl_match.h"

#include <algorithm>
#include <string>

#include "absl/strings/match.h"

#include "data/json_fields.h"
#include "reward/folded_text.h"
#include "reward/tools/tool_schema.h"
#include "reward/tools/value_match.h"

namespace grpo {
namespace {

using nlohmann::json;

enum class PythonType { kNone, kBool, kInt, kFloat, kStr, kList, kDict, kUnknown };

PythonType TypeOf(const json& value) {
  if (value.is_boolean()) return PythonType::kBool;
  if (value.is_number_integer()) return PythonType::kInt;
  if (value.is_number_float()) return PythonType::kFloat;
  if (value.is_string()) return PythonType::kStr;
  if (value.is_array()) return PythonType::kList;
  return value.is_object() ? PythonType::kDict : PythonType::kNone;
}

// The type that a schema asks for; unknown where it names none. BFCL takes "any" for a string.
PythonType TypeAskedBy(const json& schema) {
  const json& type = FieldOrNull(schema, "type");
  const std::string name =
      type.is_string() ? CanonicalType(type.get_ref<const std::string&>()) : "";
  if (name == "string" || name == "any") return PythonType::kStr;
  if (name == "integer") return PythonType::kInt;
  if (name == "number") return PythonType::kFloat;
  if (name == "boolean") return PythonType::kBool;
  if (name == "array") return PythonType::kList;
  return name == "object" ? PythonType::kDict : PythonType::kUnknown;
}

bool IsNumeric(const json& value) { return value.is_number() || value.is_boolean(); }

json AsNumber(const json& value) {
  return value.is_boolean() ? json(value.get<bool>() ? 1 : 0) : value;
}

// Python's ==: True is 1, 1 is 1.0.
bool PythonEqual(const json& a, const json& b) {
  if (IsNumeric(a) && IsNumeric(b)) return SameNumber(AsNumber(a), AsNumber(b));
  if (a.is_array() && b.is_array()) {
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), PythonEqual);
  }
  if (!a.is_object() || !b.is_object()) return a == b;
  return a.size() == b.size() && std::all_of(a.items().begin(), a.items().end(), [&](auto& field) {
           return b.contains(field.key()) && PythonEqual(field.value(), b[field.key()]);
         });
}

bool PythonIn(const json& value, const json& list) {
  return list.is_array() && std::any_of(list.begin(), list.end(),
                                        [&](const json& item) { return PythonEqual(value, item); });
}

// The value with its string, or the strings of its list, spelled as BFCL compares them.
json Standardized(const json& value) {
  if (value.is_string()) return BfclString(value.get_ref<const std::string&>());
  return value;
}
json StandardizedItems(const json& list) {
  json items = json::array();
  for (const json& item : list) items.push_back(Standardized(item));
  return items;
}

// The type of the first allowed value that is not ""; unknown where there is none.
PythonType AllowedType(const json& allowed) {
  for (const json& item : allowed) {
    if (item != "") return TypeOf(item);
  }
  return PythonType::kUnknown;
}

struct TypeVerdict {
  bool fits = false;
  // The allowed values have another type than the schema: BFCL takes them for a variable's name.
  bool is_variable = false;
};

TypeVerdict CheckItemType(const json& value, const json& allowed, PythonType asked) {
  const PythonType given = AllowedType(allowed);
  const bool is_variable = given != PythonType::kUnknown && given != asked;
  if (TypeOf(value) == asked) return {true, is_variable};
  return {given != PythonType::kUnknown && TypeOf(value) == given, true};
}

// `item_type` is that of the items where the value is a list and the schema says so.
TypeVerdict CheckType(const json& value, const json& allowed, PythonType asked,
                      PythonType item_type) {
  if (TypeOf(value) != asked || item_type == PythonType::kUnknown) {
    return CheckItemType(value, allowed, asked);
  }
  for (const json& choice : allowed) {
    const bool fits =
        !choice.is_array() || std::all_of(value.begin(), value.end(), [&](const json& item) {
          return CheckItemType(item, choice, item_type).fits;
        });
    if (fits) return {true, CheckItemType(value, allowed, asked).is_variable};
  }
  return {false, false};
}

// One choice for a dict: for each key the list of what is allowed there.
bool DictFits(const json& value, const json& choice) {
  if (!value.is_object() || !choice.is_object()) return false;
  for (const auto& field : value.items()) {
    const json& allowed = FieldOrNull(choice, field.key());
    if (!allowed.is_array() || !PythonIn(Standardized(field.value()), StandardizedItems(allowed))) {
      return false;
    }
  }
  return std::all_of(choice.items().begin(), choice.items().end(), [&](auto& field) {
    return value.contains(field.key()) || MayBeMissing(field.value());
  });
}

// A list of dicts, in order. A choice that is "" stands for an empty list.
bool DictListFits(const json& value, const json& choice) {
  if (choice == "") return value.empty();
  return choice.is_array() && value.size() == choice.size() &&
         std::equal(value.begin(), value.end(), choice.begin(), DictFits);
}

bool ListFits(const json& value, const json& choice) {
  if (choice == "") return value.empty();
  return choice.is_array() && PythonEqual(StandardizedItems(value), StandardizedItems(choice));
}

}  // namespace

std::string BfclString(absl::string_view text) {
  std::string kept;
  for (const char c : LowerText(text)) {
    if (!absl::StrContains(" ,./-_*^", c)) kept.push_back(c == '\'' ? '"' : c);
  }
  return kept;
}

bool BfclValueAllowed(const json& argument, const json& allowed, const json& schema) {
  if (!allowed.is_array()) return false;
  const PythonType asked = TypeAskedBy(schema);
  const PythonType item_type =
      asked == PythonType::kList ? TypeAskedBy(FieldOrNull(schema, "items")) : PythonType::kUnknown;
  const bool widens = asked == PythonType::kFloat && argument.is_number_integer();
  const json value = widens ? json(argument.get<double>()) : argument;
  const TypeVerdict type = CheckType(value, allowed, asked, item_type);
  if (!type.fits) return false;
  if (type.is_variable) return PythonIn(value, allowed);
  const auto any = [&](bool (*fits)(const json&, const json&)) {
    return std::any_of(allowed.begin(), allowed.end(),
                       [&](const json& choice) { return fits(value, choice); });
  };
  if (asked == PythonType::kDict) return any(DictFits);
  if (asked == PythonType::kList) {
    return any(item_type == PythonType::kDict ? DictListFits : ListFits);
  }
  return PythonIn(Standardized(value), StandardizedItems(allowed));
}

}  // namespace grpo
