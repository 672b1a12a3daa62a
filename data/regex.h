// Regular expressions of tokenizers: PCRE2 over valid UTF-8, with Unicode classes, compiled to
// machine code and with a bound on backtracking.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace grpo {

// Immutable after creation and safe to share among threads.
class Regex {
 public:
  struct Match {
    size_t begin;  // bytes
    size_t end;
  };

  // Tokenizer files are written for Oniguruma. What means something else in PCRE2 (\h, set
  // operations, nested sets,
  // (?m)) is refused; ^ and $ match at line ends as they do there.
  static absl::StatusOr<Regex> Compile(const std::string& pattern);
  // Matches the text itself; not empty.
  static absl::StatusOr<Regex> CompileLiteral(const std::string& text);

  // The non-overlapping matches, leftmost first, empty ones included; `text` is valid UTF-8. Where
  // a match would cost more backtracking than any sane pattern needs, the search ends and the rest
  // of the text counts as unmatched.
  std::vector<Match> FindAll(absl::string_view text) const;

 private:
  struct Code;
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  static absl::StatusOr<Regex> CompileWith(const std::string& pattern, unsigned options);

  std::shared_ptr<const Code> code_;
};

}  // namespace grpo
