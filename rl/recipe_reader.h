// Fills a configuration struct from a RecipeNode by the struct's own list of fields
// (data/config_fields.h), and reports every key that is unknown, missing, of the wrong type or out
// of its range.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

#include "data/config_fields.h"
#include "rl/recipe_node.h"

namespace grpo {

// The values a number may take, both ends included.
inline Range BoundsOf(const NoConstraint&) {
  const double infinity = std::numeric_limits<double>::infinity();
  return Range(-infinity, infinity);
}
inline Range BoundsOf(const Range& range) { return range; }

// The values a text may take.
struct TextRule {
  bool not_empty = false;
  std::vector<std::string> values;  // empty: any
};
inline TextRule RuleOf(const NoConstraint&) { return {}; }
inline TextRule RuleOf(const NotEmpty&) { return {true, {}}; }
inline TextRule RuleOf(const OneOf& one_of) { return {false, one_of.values}; }

// What a reader knows about the recipe as a whole.
struct ReadContext {
  RecipeErrors& errors;
  std::vector<std::string> known_paths;  // every key, lists as "reward.N.weight"; for suggestions
};

// Each reads one value of a type; on a mismatch it reports and leaves the field as it is. The
// integer's type ends at type_low and type_high.
void ReadBool(const RecipeNode& node, const std::string& path, bool& field, ReadContext& context);
bool ReadInteger(const RecipeNode& node, const std::string& path, const Range& bounds,
                 int64_t type_low, int64_t type_high, int64_t& field, ReadContext& context);
void ReadDouble(const RecipeNode& node, const std::string& path, const Range& bounds, double& field,
                ReadContext& context);
void ReadText(const RecipeNode& node, const std::string& path, const TextRule& rule,
              std::string& field, ReadContext& context);
// Whether the node is a list (a table); reports where it is not.
bool ExpectList(const RecipeNode& node, const std::string& path, const std::string& expected,
                ReadContext& context);
bool ExpectTable(const RecipeNode& node, const std::string& path, ReadContext& context);
// Reports the keys of `table` that are not in `known`, each with the nearest known one.
void ReportUnknownKeys(const RecipeNode& table, const std::string& path,
                       const std::vector<std::string>& known, ReadContext& context);
// Whether a text may stand where the rule holds; a default that may not has to be given.
bool Satisfies(const std::string& text, const TextRule& rule);
void ReportMissing(const RecipeNode& table, const std::string& path, const TextRule& rule,
                   const char* documentation, ReadContext& context);

template <typename T>
struct IsVector : std::false_type {};
template <typename T>
struct IsVector<std::vector<T>> : std::true_type {};

template <typename Struct>
void ReadTable(const RecipeNode& node, const std::string& path, Struct& value,
               ReadContext& context);

// Reads one field of any of the types that data/config_fields.h lists.
template <typename T, typename Constraint>
void ReadField(const RecipeNode& node, const std::string& path, const Constraint& constraint,
               T& field, ReadContext& context) {
  if constexpr (std::is_same_v<T, bool>) {
    ReadBool(node, path, field, context);
  } else if constexpr (std::is_integral_v<T>) {
    int64_t number;
    if (ReadInteger(node, path, BoundsOf(constraint), std::numeric_limits<T>::min(),
                    std::numeric_limits<T>::max(), number, context)) {
      field = static_cast<T>(number);
    }
  } else if constexpr (std::is_same_v<T, double>) {
    ReadDouble(node, path, BoundsOf(constraint), field, context);
  } else if constexpr (std::is_same_v<T, std::string>) {
    ReadText(node, path, RuleOf(constraint), field, context);
  } else if constexpr (IsVector<T>::value) {
    using Item = typename T::value_type;
    const char* expected = std::is_same_v<Item, std::string>
                               ? "a list of texts, such as [\"a\", \"b\"]"
                           : std::is_arithmetic_v<Item> ? "a list of numbers, such as [1, 2]"
                                                        : "a list of tables";
    if (!ExpectList(node, path, expected, context)) return;
    T items;
    for (size_t i = 0; i < node.items.size(); ++i) {
      items.emplace_back();
      ReadField(node.items[i], absl::StrCat(path, ".", i), constraint, items.back(), context);
    }
    field = std::move(items);
  } else {
    ReadTable(node, path, field, context);
  }
}

// The visitor of one table.
class TableReader {
 public:
  TableReader(const RecipeNode& table, std::string path, ReadContext& context)
      : table_(table), path_(std::move(path)), context_(context) {}

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint& constraint,
                  const char* documentation) {
    known_.push_back(key);
    const std::string path = JoinPath(path_, key);
    if (const RecipeNode* node = table_.Find(key)) {
      ReadField(*node, path, constraint, field, context_);
    } else if constexpr (std::is_same_v<T, std::string>) {
      const TextRule rule = RuleOf(constraint);
      if (!Satisfies(field, rule)) ReportMissing(table_, path, rule, documentation, context_);
    }
  }

  void Finish() { ReportUnknownKeys(table_, path_, known_, context_); }

 private:
  const RecipeNode& table_;
  std::string path_;
  ReadContext& context_;
  std::vector<std::string> known_;
};

template <typename Struct>
void ReadTable(const RecipeNode& node, const std::string& path, Struct& value,
               ReadContext& context) {
  if (!ExpectTable(node, path, context)) return;
  TableReader reader(node, path, context);
  value.VisitFields(reader);
  reader.Finish();
}

// The visitor that lists the dotted path of every field.
class PathCollector {
 public:
  PathCollector(std::string path, std::vector<std::string>& paths)
      : path_(std::move(path)), paths_(paths) {}

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint&, const char*) {
    const std::string path = JoinPath(path_, key);
    if constexpr (std::is_class_v<T> && !std::is_same_v<T, std::string> && !IsVector<T>::value) {
      PathCollector inner(path, paths_);
      field.VisitFields(inner);
    } else if constexpr (IsVector<T>::value) {
      using Item = typename T::value_type;
      if constexpr (std::is_class_v<Item> && !std::is_same_v<Item, std::string>) {
        PathCollector inner(path + ".N", paths_);
        Item item;
        item.VisitFields(inner);
      }
    }
    paths_.push_back(path);
  }

 private:
  std::string path_;
  std::vector<std::string>& paths_;
};

template <typename Struct>
std::vector<std::string> PathsOf() {
  std::vector<std::string> paths;
  PathCollector collector("", paths);
  Struct value;
  value.VisitFields(collector);
  return paths;
}

}  // namespace grpo
