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

  // Tokenizer files are written for Oniguruma with Ruby's syntax. The pattern is translated
  // (pattern_translator.h), or refused where that cannot be.
  static absl::StatusOr<Regex> Compile(const std::string& pattern);
  // Matches the text itself; not empty.
  static absl::StatusOr<Regex> CompileLiteral(const std::string& text);

  // The non-overlapping matches, leftmost first, empty ones included except where a match ends;
  // `text` is valid UTF-8. Where a match would cost more backtracking than any sane pattern needs,
  // the search ends and the rest of the text counts as unmatched.
  std::vector<Match> FindAll(absl::string_view text) const;
  // The same into `matches`, which keeps its memory from call to call.
  void FindAll(absl::string_view text, std::vector<Match>* matches) const;

 private:
  struct Code;
  explicit Regex(std::shared_ptr<const Code> code) : code_(std::move(code)) {}
  static absl::StatusOr<Regex> CompileWith(const std::string& pattern, unsigned options);

  std::shared_ptr<const Code> code_;
};

}  // namespace grpo
