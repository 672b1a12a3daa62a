// A recipe file as a tree that remembers where each value was written. What TOML says, before
// anything is known about the keys; overrides of --set are merged into it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"

namespace grpo {

// Where a value was written.
struct RecipePosition {
  std::string origin;  // the recipe's path, or "--set grpo.steps=3"
  int source = 0;      // 0: the file; k: the k-th override
  int line = 0;        // from 1; 0 in an override
  int column = 0;      // from 1

  std::string ToString() const;  // "recipe.toml:12:3"
};

struct RecipeNode {
  enum class Kind { kBool, kInteger, kFloat, kText, kDate, kList, kTable };

  Kind kind = Kind::kTable;
  bool boolean = false;
  int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<RecipeNode> items;  // of a list, or of a table: then each has its key

  std::string key;              // in the table above
  RecipePosition key_position;  // where the key stands
  RecipePosition position;      // where the value stands
  std::string override_text;    // the value as typed after --set; empty elsewhere

  RecipeNode* Find(absl::string_view wanted);
  const RecipeNode* Find(absl::string_view wanted) const;
  // One phrase for messages: `the text "abc"`, "3", "a list of 2".
  std::string Describe() const;
};

// The position of the value at a dotted path, or of the deepest table on the way to it.
const RecipePosition& PositionOf(const RecipeNode& root, absl::string_view path);

// A key as it is written in TOML: bare where possible.
std::string KeyText(absl::string_view key);
std::string JoinPath(absl::string_view path, absl::string_view key);

// A TOML basic string with its quotes.
std::string QuoteToml(absl::string_view text);

// All that is wrong with a recipe; nothing is thrown away, so that a person corrects everything in
// one go.
class RecipeErrors {
 public:
  void Add(const RecipePosition& position, const std::string& path, const std::string& message);
  // Notes that `path` may be what the person meant by a key that was refused: whatever rests on it
  // says nothing.
  void Suspect(const std::string& path) { touched_.push_back(path); }
  // Whether an error concerns the value at `path`, something in it or the table around it.
  bool Touches(const std::string& path) const;
  // OK, or the errors in the order of their positions, one in a line.
  absl::Status ToStatus() const;

 private:
  struct Error {
    RecipePosition position;
    std::string text;
  };
  std::vector<Error> errors_;
  std::vector<std::string> touched_;
};

}  // namespace grpo
