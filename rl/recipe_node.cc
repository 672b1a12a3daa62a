#include "rl/recipe_node.h"

#include <algorithm>
#include <tuple>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_split.h"

#include "rl/number_text.h"

namespace grpo {
namespace {

constexpr size_t kLongestQuote = 60;  // bytes of a text or key that a message repeats
constexpr size_t kMostErrors = 50;    // that one message lists

bool IsUnderOrEqual(absl::string_view path, absl::string_view above) {
  return path == above || (absl::StartsWith(path, above) && path[above.size()] == '.');
}

// Cuts before the middle of a UTF-8 character.
std::string Shortened(absl::string_view text) {
  if (text.size() <= kLongestQuote) return std::string(text);
  size_t end = kLongestQuote;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return absl::StrCat(text.substr(0, end), "…");
}

}  // namespace

std::string RecipePosition::ToString() const {
  if (line == 0) return origin;
  return absl::StrCat(origin, ":", line, ":", column);
}

RecipeNode* RecipeNode::Find(absl::string_view wanted) {
  if (kind != Kind::kTable) return nullptr;
  for (RecipeNode& item : items) {
    if (item.key == wanted) return &item;
  }
  return nullptr;
}

const RecipeNode* RecipeNode::Find(absl::string_view wanted) const {
  return const_cast<RecipeNode*>(this)->Find(wanted);
}

std::string RecipeNode::Describe() const {
  switch (kind) {
    case Kind::kBool:
      return boolean ? "true" : "false";
    case Kind::kInteger:
      return absl::StrCat(integer);
    case Kind::kFloat:
      return ExactDouble(real);
    case Kind::kText:
      return absl::StrCat("the text ", QuoteToml(Shortened(text)));
    case Kind::kDate:
      return "a date or time";
    case Kind::kList:
      return items.empty() ? "an empty list" : absl::StrCat("a list of ", items.size());
    case Kind::kTable:
      return "a table";
  }
  return "";
}

const RecipePosition& PositionOf(const RecipeNode& root, absl::string_view path) {
  const RecipeNode* node = &root;
  for (absl::string_view key : absl::StrSplit(path, '.')) {
    const RecipeNode* next = nullptr;
    size_t index;
    if (node->kind == RecipeNode::Kind::kTable) {
      next = node->Find(key);
    } else if (absl::SimpleAtoi(key, &index) && index < node->items.size()) {
      next = &node->items[index];
    }
    if (next == nullptr) break;
    node = next;
  }
  return node->position;
}

std::string KeyText(absl::string_view key) {
  const bool is_bare = !key.empty() && key.size() <= kLongestQuote &&
                       std::all_of(key.begin(), key.end(), [](unsigned char c) {
                         return absl::ascii_isalnum(c) || c == '_' || c == '-';
                       });
  return is_bare ? std::string(key) : QuoteToml(Shortened(key));
}

std::string JoinPath(absl::string_view path, absl::string_view key) {
  return path.empty() ? KeyText(key) : absl::StrCat(path, ".", KeyText(key));
}

std::string QuoteToml(absl::string_view text) {
  std::string quoted = "\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') {
      quoted += '\\';
      quoted += static_cast<char>(c);
    } else if (c == '\n') {
      quoted += "\\n";
    } else if (c == '\t') {
      quoted += "\\t";
    } else if (c == '\r') {
      quoted += "\\r";
    } else if (c < 0x20 || c == 0x7F) {
      absl::StrAppendFormat(&quoted, "\\u%04X", c);
    } else {
      quoted += static_cast<char>(c);
    }
  }
  return quoted + "\"";
}

void RecipeErrors::Add(const RecipePosition& position, const std::string& path,
                       const std::string& message) {
  errors_.push_back({position, path.empty() ? message : absl::StrCat(path, ": ", message)});
  touched_.push_back(path);
}

bool RecipeErrors::Touches(const std::string& path) const {
  return std::any_of(touched_.begin(), touched_.end(), [&](const std::string& touched) {
    return IsUnderOrEqual(path, touched) || IsUnderOrEqual(touched, path);
  });
}

absl::Status RecipeErrors::ToStatus() const {
  if (errors_.empty()) return absl::OkStatus();
  std::vector<const Error*> sorted;
  for (const Error& error : errors_) sorted.push_back(&error);
  std::stable_sort(sorted.begin(), sorted.end(), [](const Error* a, const Error* b) {
    return std::tie(a->position.source, a->position.line, a->position.column) <
           std::tie(b->position.source, b->position.line, b->position.column);
  });
  std::string message;
  for (size_t i = 0; i < std::min(sorted.size(), kMostErrors); ++i) {
    absl::StrAppend(&message, i == 0 ? "" : "\n", sorted[i]->position.ToString(), ": ",
                    sorted[i]->text);
  }
  if (sorted.size() > kMostErrors) {
    absl::StrAppend(&message, "\nand ", sorted.size() - kMostErrors, " more");
  }
  return absl::InvalidArgumentError(message);
}

}  // namespace grpo
