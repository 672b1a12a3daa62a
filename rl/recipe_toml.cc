#include "rl/recipe_toml.h"

#define TOML_EXCEPTIONS 0
#define TOML_HEADER_ONLY 1
#define TOML_ENABLE_FORMATTERS 0
#include <utility>

#include "absl/strings/str_cat.h"
#include <toml++/toml.h>

namespace grpo {
namespace {

// Converts the library's tree. With a fixed position (an override) every node stands there.
class Converter {
 public:
  Converter(std::string origin, const RecipePosition* fixed)
      : origin_(std::move(origin)), fixed_(fixed) {}

  RecipeNode Convert(const toml::node& node) const {
    RecipeNode result;
    result.position = Position(node.source());
    if (const toml::table* table = node.as_table()) {
      result.kind = RecipeNode::Kind::kTable;
      for (const auto& [key, value] : *table) {
        result.items.push_back(Convert(value));
        result.items.back().key = std::string(key.str());
        result.items.back().key_position = Position(key.source());
      }
    } else if (const toml::array* array = node.as_array()) {
      result.kind = RecipeNode::Kind::kList;
      for (const toml::node& item : *array) result.items.push_back(Convert(item));
    } else {
      ConvertScalar(node, result);
    }
    return result;
  }

 private:
  static void ConvertScalar(const toml::node& node, RecipeNode& result) {
    if (const auto* boolean = node.as_boolean()) {
      result.kind = RecipeNode::Kind::kBool;
      result.boolean = boolean->get();
    } else if (const auto* integer = node.as_integer()) {
      result.kind = RecipeNode::Kind::kInteger;
      result.integer = integer->get();
    } else if (const auto* real = node.as_floating_point()) {
      result.kind = RecipeNode::Kind::kFloat;
      result.real = real->get();
    } else if (const auto* text = node.as_string()) {
      result.kind = RecipeNode::Kind::kText;
      result.text = text->get();
    } else {
      result.kind = RecipeNode::Kind::kDate;
    }
  }

  RecipePosition Position(const toml::source_region& source) const {
    if (fixed_ != nullptr) return *fixed_;
    return {origin_, /*source=*/0, static_cast<int>(source.begin.line),
            static_cast<int>(source.begin.column)};
  }

  std::string origin_;
  const RecipePosition* fixed_;
};

}  // namespace

absl::StatusOr<RecipeNode> ParseToml(absl::string_view text, const std::string& origin) {
  const toml::parse_result result = toml::parse(std::string_view(text.data(), text.size()));
  if (result.failed()) {
    const toml::source_position where = result.error().source().begin;
    const std::string_view description = result.error().description();
    return absl::InvalidArgumentError(absl::StrCat(
        origin, ":", where.line, ":", where.column,
        ": not valid TOML: ", absl::string_view(description.data(), description.size())));
  }
  return Converter(origin, nullptr).Convert(result.table());
}

absl::optional<RecipeNode> ParseTomlValue(absl::string_view text, const RecipePosition& position) {
  const std::string document = absl::StrCat("value = ", text, "\n");
  const toml::parse_result result = toml::parse(std::string_view(document));
  if (result.failed()) return absl::nullopt;
  RecipeNode root = Converter(position.origin, &position).Convert(result.table());
  // A line break in the text could smuggle further keys in.
  if (root.items.size() != 1 || root.items[0].key != "value") return absl::nullopt;
  return std::move(root.items[0]);
}

}  // namespace grpo
