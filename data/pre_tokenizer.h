// Cuts text into words before byte-pair encoding; no token reaches over the border of a word. The
// pre_tokenizer of a tokenizer.json: Split, Digits and Sequence of them, with ByteLevel as the last
// step.
#pragma once

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "data/regex.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class PreTokenizer {
 public:
  // Reads the value of "pre_tokenizer"; `origin` names the file in messages. What is not supported
  // is refused by name.
  static absl::StatusOr<PreTokenizer> FromJson(const nlohmann::json& description,
                                               const std::string& origin);

  // Calls `emit` with the bytes of each word in turn; a view lives for the call only. Words side by
  // side give back the text, but for what a step removes and the space that add_prefix_space adds.
  // Bytes that are no UTF-8 are words of their own, one for each run of them, and no step sees
  // them.
  void Split(absl::string_view text, absl::FunctionRef<void(absl::string_view)> emit) const;

 private:
  // What becomes of the matches of a step's pattern.
  enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };
  struct Step {
    Regex regex;
    Behavior behavior;
    bool invert;  // what lies between matches counts as the matches
  };
  using Emit = absl::FunctionRef<void(absl::string_view)>;

  PreTokenizer() = default;
  absl::Status AddStep(const nlohmann::json& description, const std::string& where);
  absl::Status AddSplit(const nlohmann::json& description, const std::string& where);
  absl::Status AddDigits(const nlohmann::json& description, const std::string& where);
  absl::Status AddByteLevel(const nlohmann::json& description, const std::string& where);

  static std::vector<absl::string_view> Pieces(const Step& step, absl::string_view text);
  void SplitFrom(size_t step, absl::string_view text, Emit emit) const;

  std::vector<Step> steps_;
  size_t byte_level_step_ = 0;  // the step before which ByteLevel adds its space
  bool has_byte_level_ = false;
  bool add_prefix_space_ = false;
};

}  // namespace grpo
