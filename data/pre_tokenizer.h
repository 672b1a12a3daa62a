// Cuts text into words before byte-pair encoding; no token reaches over the border of a word. The
// pre_tokenizer of a tokenizer.json: Split, Digits, Punctuation, Whitespace, WhitespaceSplit,
// Metaspace, ByteLevel and Sequence of them.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"

#include "data/regex.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class PreTokenizer {
 public:
  // Reads the value of "pre_tokenizer" (null: the text is one word); `origin` names the file in
  // messages. What is not supported is refused by name.
  static absl::StatusOr<PreTokenizer> FromJson(const nlohmann::json& description,
                                               const std::string& origin);

  // Whether words are to be encoded byte by byte, not character by character: ByteLevel is a step.
  bool byte_level() const { return byte_level_; }

  // Calls `emit` with each word of `text` (valid UTF-8) in turn; a view lives for the call only.
  // Words side by side give back the text, but for what a step removes, adds or replaces.
  // `at_start`: the text stands at the start of all text (Metaspace's "first").
  void Split(absl::string_view text, bool at_start,
             absl::FunctionRef<void(absl::string_view)> emit) const;

 private:
  // What becomes of the matches of a step's pattern.
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  enum class Kind {
    kSplit,
    kPrefixSpace,   // a space before a piece that has none
    kByteAlphabet,  // bytes become the characters of the byte alphabet, for the steps that follow
    kMetaspace
  };
  enum class Prepend { kAlways, kFirst, kNever };
  struct Step {
    Kind kind;
    absl::optional<Regex> pattern = {};
    Behavior behavior = Behavior::kIsolated;
    bool invert = false;  // what lies between matches counts as the matches
    // Of Metaspace: what is written for a space and put before the pieces that `prepend` says.
    std::string replacement = "";
    Prepend prepend = Prepend::kNever;
  };
  using Emit = absl::FunctionRef<void(absl::string_view)>;

  PreTokenizer() = default;
  absl::Status AddSteps(const nlohmann::json& description, const std::string& where);
  absl::Status AddStep(const std::string& type, const nlohmann::json& description,
                       const std::string& where);
  absl::Status AddSplit(const nlohmann::json& description, const std::string& where);
  absl::Status AddMetaspace(const nlohmann::json& description, const std::string& where);
  absl::Status AddByteLevel(const nlohmann::json& description, const std::string& where);
  absl::Status AddPattern(const std::string& pattern, Behavior behavior, bool invert = false);
  static absl::StatusOr<Behavior> BehaviorField(const nlohmann::json& description,
                                                const std::string& where);

  void SplitFrom(size_t step, absl::string_view text, bool at_start, Emit emit) const;
  void SplitAtPattern(size_t step, absl::string_view text, bool at_start, Emit emit) const;

  std::vector<Step> steps_;
  bool byte_level_ = false;
  bool in_alphabet_ = false;  // the last step works on characters of the byte alphabet
};

}  // namespace grpo
