#include "rl/recipe_override.h"

#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"

#include "data/status_macros.h"
#include "rl/recipe_toml.h"

namespace grpo {
namespace {

// Paths are at most four keys deep in every recipe; a longer one is a mistake, and recursion over
// it would not end well.
constexpr size_t kDeepestPath = 16;

bool IsIndex(absl::string_view key) {
  size_t index;
  return !key.empty() && absl::ascii_isdigit(key[0]) && absl::SimpleAtoi(key, &index);
}

// The entry of a list that `key` selects, made where it is the next one; nullptr with an error
// otherwise.
RecipeNode* ListEntry(RecipeNode& list, absl::string_view key, const std::string& list_path,
                      const RecipePosition& position, RecipeErrors& errors) {
  size_t index;
  if (!IsIndex(key) || !absl::SimpleAtoi(key, &index) || index > list.items.size()) {
    errors.Add(position, list_path,
               absl::StrCat("expected the number of a list entry from 0 to ", list.items.size(),
                            " (which appends one), found '", key, "'"));
    return nullptr;
  }
  if (index == list.items.size()) {
    list.items.emplace_back();
    list.items.back().position = position;
  }
  return &list.items[index];
}

// The node one key below `node`; a new one is a list where the key after it is a number. nullptr
// with an error where `node` can have no entries.
RecipeNode* Descend(RecipeNode& node, absl::string_view key, const std::string& path,
                    const RecipePosition& position, RecipeErrors& errors) {
  if (node.kind == RecipeNode::Kind::kList) return ListEntry(node, key, path, position, errors);
  if (node.kind != RecipeNode::Kind::kTable) {
    errors.Add(position, path,
               absl::StrCat("has no entry '", key, "': the recipe has ", node.Describe(),
                            " here, not a table"));
    return nullptr;
  }
  if (RecipeNode* found = node.Find(key)) return found;
  node.items.emplace_back();
  node.items.back().key = std::string(key);
  node.items.back().key_position = position;
  node.items.back().position = position;
  return &node.items.back();
}

}  // namespace

absl::StatusOr<RecipeNode> ParseWithOverrides(const std::string& toml, const std::string& origin,
                                              const std::vector<std::string>& overrides,
                                              RecipeErrors& errors) {
  ASSIGN_OR_RETURN(RecipeNode tree, ParseToml(toml, origin));
  // The file as a whole: where an error that no single key is to blame for is reported.
  tree.position = {origin, 0, 0, 0};
  for (size_t i = 0; i < overrides.size(); ++i) {
    ApplyOverride(overrides[i], static_cast<int>(i) + 1, tree, errors);
  }
  return tree;
}

absl::optional<RecipeNode> OverrideValue(absl::string_view text, const RecipePosition& position) {
  absl::optional<RecipeNode> value = ParseTomlValue(text, position);
  if (!value) value = ParseTomlValue(QuoteToml(text), position);
  if (value) value->override_text = std::string(text);
  return value;
}

void ApplyOverride(absl::string_view text, int number, RecipeNode& root, RecipeErrors& errors) {
  const RecipePosition position = {absl::StrCat("--set ", text), number, 0, 0};
  const std::pair<absl::string_view, absl::string_view> parts =
      absl::StrSplit(text, absl::MaxSplits('=', 1));
  const absl::string_view path = absl::StripAsciiWhitespace(parts.first);
  const std::vector<absl::string_view> keys = absl::StrSplit(path, '.');
  if (text.find('=') == absl::string_view::npos) {
    errors.Add(position, "", "expected key=value, such as grpo.steps=3");
    return;
  }
  for (absl::string_view key : keys) {
    if (key.empty() || keys.size() > kDeepestPath) {
      errors.Add(position, "",
                 "expected a dotted key before '=', such as grpo.steps or reward.0.weight");
      return;
    }
  }
  RecipeNode* node = &root;
  for (size_t i = 0; i < keys.size(); ++i) {
    const std::string here = absl::StrJoin(keys.begin(), keys.begin() + i, ".");
    const bool is_new = node->kind == RecipeNode::Kind::kTable && node->Find(keys[i]) == nullptr;
    node = Descend(*node, keys[i], here, position, errors);
    if (node == nullptr) return;
    if (is_new && i + 1 < keys.size() && IsIndex(keys[i + 1])) {
      node->kind = RecipeNode::Kind::kList;
    }
  }
  absl::optional<RecipeNode> value =
      OverrideValue(absl::StripAsciiWhitespace(parts.second), position);
  if (!value) {
    errors.Add(position, std::string(path), "the value is not UTF-8");
    return;
  }
  value->key = node->key;
  value->key_position = position;
  *node = *std::move(value);
}

}  // namespace grpo
