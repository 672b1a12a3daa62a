#include "rl/recipe_reader.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/match.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"

#include "rl/nearest_name.h"
#include "rl/number_text.h"

namespace grpo {
namespace {

std::string ExpectedInteger(const Range& bounds, int64_t type_low, int64_t type_high,
                            bool too_big_for_type) {
  const int64_t low =
      bounds.low <= static_cast<double>(type_low) ? type_low : static_cast<int64_t>(bounds.low);
  if (std::isinf(bounds.high) && std::isinf(bounds.low) && !too_big_for_type) return "an integer";
  if (std::isinf(bounds.high) && !too_big_for_type) {
    return absl::StrCat("an integer of at least ", low);
  }
  const int64_t high =
      bounds.high >= static_cast<double>(type_high) ? type_high : static_cast<int64_t>(bounds.high);
  return absl::StrCat("an integer from ", low, " to ", high);
}

std::string ExpectedNumber(const Range& bounds) {
  if (std::isinf(bounds.high) && std::isinf(bounds.low)) return "a finite number";
  if (std::isinf(bounds.high)) return "a number of at least " + ShortDouble(bounds.low);
  return absl::StrCat("a number from ", ShortDouble(bounds.low), " to ", ShortDouble(bounds.high));
}

std::string ExpectedText(const TextRule& rule) {
  if (rule.values.empty()) return rule.not_empty ? "a text that is not empty" : "a text";
  const std::string list = absl::StrJoin(
      rule.values, ", ",
      [](std::string* out, const std::string& value) { out->append(QuoteToml(value)); });
  return rule.values.size() == 1 ? list : "one of " + list;
}

// Whether the text is one of the rule's, or begins with one that ends in ':' and goes on.
bool IsListed(const std::string& text, const TextRule& rule) {
  if (rule.values.empty()) return true;
  return std::any_of(rule.values.begin(), rule.values.end(), [&](const std::string& value) {
    if (!absl::EndsWith(value, ":")) return text == value;
    return absl::StartsWith(text, value) && text.size() > value.size();
  });
}

void ReportMismatch(const RecipeNode& node, const std::string& path, const std::string& expected,
                    ReadContext& context) {
  context.errors.Add(node.position, path,
                     absl::StrCat("expected ", expected, ", found ", node.Describe()));
}

// The path elsewhere in the recipe that ends in the same key, for somebody who chose the wrong
// section.
absl::optional<std::string> SameKeyElsewhere(const std::string& key, const ReadContext& context) {
  for (const std::string& path : context.known_paths) {
    if (path == key || absl::EndsWith(path, "." + key)) return path;
  }
  return absl::nullopt;
}

}  // namespace

void ReadBool(const RecipeNode& node, const std::string& path, bool& field, ReadContext& context) {
  if (node.kind != RecipeNode::Kind::kBool) {
    ReportMismatch(node, path, "true or false", context);
    return;
  }
  field = node.boolean;
}

bool ReadInteger(const RecipeNode& node, const std::string& path, const Range& bounds,
                 int64_t type_low, int64_t type_high, int64_t& field, ReadContext& context) {
  const bool is_integer = node.kind == RecipeNode::Kind::kInteger;
  const bool too_big = is_integer && (node.integer > type_high || node.integer < type_low);
  const double value = static_cast<double>(node.integer);
  if (!is_integer || too_big || value < bounds.low || value > bounds.high) {
    ReportMismatch(node, path, ExpectedInteger(bounds, type_low, type_high, too_big), context);
    return false;
  }
  field = node.integer;
  return true;
}

void ReadDouble(const RecipeNode& node, const std::string& path, const Range& bounds, double& field,
                ReadContext& context) {
  const bool is_integer = node.kind == RecipeNode::Kind::kInteger;
  const double value = is_integer ? static_cast<double>(node.integer) : node.real;
  const bool is_number = is_integer || node.kind == RecipeNode::Kind::kFloat;
  if (!is_number || !std::isfinite(value) || value < bounds.low || value > bounds.high) {
    ReportMismatch(node, path, ExpectedNumber(bounds), context);
    return;
  }
  field = value;
}

void ReadText(const RecipeNode& node, const std::string& path, const TextRule& rule,
              std::string& field, ReadContext& context) {
  // After --set, 2026 and true are texts where a text is wanted.
  const bool is_typed = !node.override_text.empty() && node.kind != RecipeNode::Kind::kText &&
                        node.kind != RecipeNode::Kind::kList &&
                        node.kind != RecipeNode::Kind::kTable;
  const std::string& text = is_typed ? node.override_text : node.text;
  const bool is_text = is_typed || node.kind == RecipeNode::Kind::kText;
  const bool is_listed = IsListed(text, rule);
  if (!is_text || !Satisfies(text, rule)) {
    std::string expected = ExpectedText(rule);
    if (is_text && !is_listed) {
      if (const absl::optional<std::string> nearest = NearestName(text, rule.values)) {
        absl::StrAppend(&expected, " (did you mean ", QuoteToml(*nearest), "?)");
      }
    }
    ReportMismatch(node, path, expected, context);
    return;
  }
  // A text with a zero byte cannot come back from a file name or a printed recipe.
  if (text.find('\0') != std::string::npos) {
    ReportMismatch(node, path, "a text without zero bytes", context);
    return;
  }
  field = text;
}

bool ExpectList(const RecipeNode& node, const std::string& path, const std::string& expected,
                ReadContext& context) {
  if (node.kind == RecipeNode::Kind::kList) return true;
  std::string message = expected;
  if (node.kind == RecipeNode::Kind::kTable) {
    absl::StrAppend(&message, ", each under [[", path, "]]");
  }
  ReportMismatch(node, path, message, context);
  return false;
}

bool ExpectTable(const RecipeNode& node, const std::string& path, ReadContext& context) {
  if (node.kind == RecipeNode::Kind::kTable) return true;
  ReportMismatch(node, path, "a table", context);
  return false;
}

void ReportUnknownKeys(const RecipeNode& table, const std::string& path,
                       const std::vector<std::string>& known, ReadContext& context) {
  for (const RecipeNode& item : table.items) {
    if (std::find(known.begin(), known.end(), item.key) != known.end()) continue;
    std::string advice;
    absl::optional<std::string> meant = NearestName(item.key, known);
    if (meant) {
      meant = JoinPath(path, *meant);
    } else {
      meant = SameKeyElsewhere(item.key, context);
    }
    if (meant) {
      advice = absl::StrCat("did you mean ", *meant, "?");
      context.errors.Suspect(*meant);
    } else {
      advice = absl::StrCat("known here: ", absl::StrJoin(known, ", "));
    }
    context.errors.Add(item.key_position, JoinPath(path, item.key), "unknown key; " + advice);
  }
}

bool Satisfies(const std::string& text, const TextRule& rule) {
  return IsListed(text, rule) && !(rule.not_empty && text.empty());
}

void ReportMissing(const RecipeNode& table, const std::string& path, const TextRule& rule,
                   const char* documentation, ReadContext& context) {
  context.errors.Add(
      table.position, path,
      absl::StrCat("missing; expected ", ExpectedText(rule), " (", documentation, ")"));
}

}  // namespace grpo
