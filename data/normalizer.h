// What happens to a text before it is cut into words: the normalizer of a tokenizer.json. NFC, NFD,
// NFKC, NFKD, Lowercase, StripAccents, Strip, Prepend, Replace and Sequence of them.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "nlohmann/json.hpp"

#include "data/regex.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class Normalizer {
 public:
  Normalizer() = default;  // changes nothing
  // Reads the value of "normalizer" (null: changes nothing); `origin` names the file in messages.
  // What is not supported is refused by name.
  static absl::StatusOr<Normalizer> FromJson(const nlohmann::json& description,
                                             const std::string& origin);

  bool empty() const { return steps_.empty(); }

  // The normalized text of valid UTF-8. `start_removed`, where given, says whether the first
  // character has gone: what is left no longer begins where the text did.
  std::string Apply(absl::string_view text, bool* start_removed = nullptr) const;

 private:
  enum class Kind { kUnicode, kLowercase, kStripAccents, kStrip, kPrepend, kReplace };
  struct Step {
    Kind kind;
    int unicode_form = 0;              // utf8proc's options
    bool left = false, right = false;  // where Strip strips
    std::string content = "";          // what Prepend and Replace write
    absl::optional<Regex> pattern = {};
  };

  absl::Status AddSteps(const nlohmann::json& description, const std::string& where);
  absl::Status AddStep(const std::string& type, const nlohmann::json& description,
                       const std::string& where);
  // Keeps how many times as long the steps can make a text within bounds.
  absl::Status LimitGrowth(const std::string& where) const;
  static std::string ApplyStep(const Step& step, const std::string& text, bool* start_removed);

  std::vector<Step> steps_;
};

// The pattern of {"Regex": …} or {"String": …}, which Split and Replace have.
absl::StatusOr<Regex> PatternField(const nlohmann::json& object, const std::string& where);

// The text with `content` for every match.
std::string ReplaceAll(const Regex& pattern, absl::string_view content, absl::string_view text);

}  // namespace grpo
