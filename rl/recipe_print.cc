// ResolvedRecipe: the printing side of the one list of fields.
#include <cmath>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

#include "rl/number_text.h"
#include "rl/recipe.h"
#include "rl/recipe_node.h"
#include "rl/recipe_reader.h"

namespace grpo {
namespace {

constexpr size_t kWidestPadding =
    44;  // column at which comments start, where the value leaves room

std::string ConstraintText(const NoConstraint&) { return ""; }
std::string ConstraintText(const NotEmpty&) { return ""; }
std::string ConstraintText(const Range& range) {
  if (std::isinf(range.high)) return " (at least " + ShortDouble(range.low) + ")";
  return absl::StrCat(" (", ShortDouble(range.low), " to ", ShortDouble(range.high), ")");
}
std::string ConstraintText(const OneOf& one_of) {
  return absl::StrCat(" (", absl::StrJoin(one_of.values, " | "), ")");
}

std::string ValueText(bool value) { return value ? "true" : "false"; }
std::string ValueText(int value) { return absl::StrCat(value); }
std::string ValueText(int64_t value) { return absl::StrCat(value); }
std::string ValueText(double value) { return ExactDouble(value); }
std::string ValueText(const std::string& value) { return QuoteToml(value); }
template <typename T>
std::string ValueText(const std::vector<T>& values) {
  std::vector<std::string> texts;
  for (const T& value : values) texts.push_back(ValueText(value));
  return absl::StrCat("[", absl::StrJoin(texts, ", "), "]");
}

template <typename T>
struct IsTable : std::bool_constant<std::is_class_v<T> && !std::is_same_v<T, std::string> &&
                                    !IsVector<T>::value> {};
template <typename T>
struct IsTableList : std::false_type {};
template <typename T>
struct IsTableList<std::vector<T>> : IsTable<T> {};

// Prints a table's own keys: TOML wants them before the tables inside it.
class KeyPrinter {
 public:
  explicit KeyPrinter(std::string& out) : out_(out) {}

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint& constraint,
                  const char* documentation) {
    if constexpr (!IsTable<T>::value && !IsTableList<T>::value) {
      std::string line = absl::StrCat(key, " = ", ValueText(field));
      if (line.size() < kWidestPadding) line.resize(kWidestPadding, ' ');
      absl::StrAppend(&out_, line, "  # ", documentation, ConstraintText(constraint), "\n");
    }
  }

 private:
  std::string& out_;
};

// Prints the tables inside a table, each with its keys and then its own tables.
class TablePrinter {
 public:
  TablePrinter(std::string path, const std::string& skipped, std::string& out)
      : path_(std::move(path)), skipped_(skipped), out_(out) {}

  template <typename T, typename Constraint>
  void operator()(const char* key, T& field, const Constraint&, const char* documentation) {
    const std::string path = JoinPath(path_, key);
    if constexpr (IsTable<T>::value) {
      if (path == skipped_) return;
      absl::StrAppend(&out_, "\n[", path, "]  # ", documentation, "\n");
      PrintTable(path, field);
    } else if constexpr (IsTableList<T>::value) {
      if (field.empty())
        absl::StrAppend(&out_, "\n# [[", path, "]]: none  # ", documentation, "\n");
      for (auto& item : field) {
        absl::StrAppend(&out_, "\n[[", path, "]]  # ", documentation, "\n");
        PrintTable(path, item);
      }
    }
  }

 private:
  template <typename Struct>
  void PrintTable(const std::string& path, Struct& value) {
    KeyPrinter keys(out_);
    value.VisitFields(keys);
    TablePrinter tables(path, skipped_, out_);
    value.VisitFields(tables);
  }

  std::string path_;
  const std::string& skipped_;
  std::string& out_;
};

}  // namespace

std::string ResolvedRecipe(const Recipe& recipe) {
  std::string out = "# A whole recipe: every key, also those left at their defaults.\n";
  // A policy that is read from a folder brings its own shape, and a recipe must not give two.
  const std::string skipped = recipe.policy.path.empty() ? "" : "policy.config";
  Recipe copy = recipe;
  TablePrinter printer("", skipped, out);
  copy.VisitFields(printer);
  return out;
}

std::string RewardListing() {
  std::string out = "# Keys of every [[reward]], besides its name\n";
  KeyPrinter keys(out);
  RewardSpec().VisitCommonFields(keys);
  for (const std::string& name : RewardNames()) {
    const std::string written = absl::EndsWith(name, ":") ? name + "…" : name;
    absl::StrAppend(&out, "\n[[reward]]  # ", RewardDocumentation(name),
                    "\nname = ", QuoteToml(written), "\n");
    WrappedVisitor<KeyPrinter> wrapped(keys);
    DefaultOptions(name)->VisitFields(wrapped);
  }
  return out;
}

}  // namespace grpo
