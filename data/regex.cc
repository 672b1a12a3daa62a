#include "data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <pcre2.h>

#include "data/check.h"
#include "data/json.h"

namespace grpo {
namespace {

// Backtracking steps of one match. The patterns of published tokenizers need a few per character.
constexpr uint32_t kMatchLimit = 1'000'000;
constexpr uint32_t kHeapLimitKibibytes = 64 * 1024;

// Unicode's White_Space. PCRE2's own \s has U+180E too, which left that property in Unicode 6.3.
constexpr char kWhiteSpace[] = R"(\x{9}-\x{d}\x{85}\p{Z})";

// Translates a pattern of Oniguruma's syntax; an error names what has no translation.
class PatternTranslator {
 public:
  explicit PatternTranslator(absl::string_view pattern) : rest_(pattern) {}

  absl::StatusOr<std::string> Translate() {
    while (!rest_.empty()) {
      const std::string foreign = in_set_ ? InSet() : OutsideSet();
      if (!foreign.empty()) {
        return absl::InvalidArgumentError(
            absl::StrCat("it uses ", foreign, ", which is not supported"));
      }
    }
    return std::move(translated_);
  }

 private:
  // Each takes one item of the pattern and returns the name of what it cannot translate.
  std::string OutsideSet() {
    if (rest_[0] == '\\') return Escape();
    if (absl::StartsWith(rest_, "(?")) {
      for (const char flag : rest_.substr(2)) {
        if (flag == 'm') return "the flag (?m)";
        if (!absl::ascii_isalpha(flag) && flag != '-') break;
      }
    }
    if (rest_[0] == '[') {
      in_set_ = true;
      Copy(absl::StartsWith(rest_, "[^") ? 2 : 1);
      if (absl::StartsWith(rest_, "]")) Copy(1);  // a first ] stands for itself
      return "";
    }
    Copy(1);
    return "";
  }

  std::string InSet() {
    if (rest_[0] == '\\') return Escape();
    if (absl::StartsWith(rest_, "&&")) return "a set intersection (&&)";
    if (absl::StartsWith(rest_, "[:")) {
      const size_t end = rest_.find(":]");
      if (end == absl::string_view::npos) return "a class name without an end";
      Copy(end + 2);
      return "";
    }
    if (rest_[0] == '[') return "a set inside a set";
    if (rest_[0] == ']') in_set_ = false;
    Copy(1);
    return "";
  }

  std::string Escape() {
    const char letter = rest_.size() > 1 ? rest_[1] : '\0';
    if (letter == 'h' || letter == 'H') return "\\h";
    if (letter == 's' || letter == 'S') {
      if (in_set_) {
        absl::StrAppend(&translated_, letter == 's' ? kWhiteSpace : R"(\S\x{180e})");
      } else {
        absl::StrAppend(&translated_, letter == 's' ? "[" : "[^", kWhiteSpace, "]");
      }
      rest_.remove_prefix(2);
    } else {
      Copy(std::min<size_t>(2, rest_.size()));
    }
    return "";
  }

  void Copy(size_t bytes) {
    absl::StrAppend(&translated_, rest_.substr(0, bytes));
    rest_.remove_prefix(bytes);
  }

  absl::string_view rest_;
  bool in_set_ = false;
  std::string translated_;
};

// The start of the character after the one at `position`.
size_t NextCharacter(absl::string_view text, size_t position) {
  do {
    ++position;
  } while (position < text.size() && (text[position] & 0xC0) == 0x80);
  return position;
}

}  // namespace

struct Regex::Code {
  ~Code() {
    pcre2_match_context_free(limits);
    pcre2_code_free(pattern);
  }
  pcre2_code* pattern = nullptr;
  pcre2_match_context* limits = nullptr;
};

absl::StatusOr<Regex> Regex::Compile(const std::string& pattern) {
  const absl::StatusOr<std::string> translated = PatternTranslator(pattern).Translate();
  const absl::StatusOr<Regex> regex =
      translated.ok() ? CompileWith(*translated, PCRE2_MULTILINE) : translated.status();
  if (regex.ok()) return regex;
  return absl::InvalidArgumentError(absl::StrCat("the pattern '", QuoteForMessage(pattern, 200),
                                                 "' cannot be used: ", regex.status().message()));
}

absl::StatusOr<Regex> Regex::CompileLiteral(const std::string& text) {
  if (text.empty()) return absl::InvalidArgumentError("the text to split at is empty");
  return CompileWith(text, PCRE2_LITERAL);
}

absl::StatusOr<Regex> Regex::CompileWith(const std::string& pattern, unsigned options) {
  auto code = std::make_shared<Code>();
  pcre2_compile_context* context = pcre2_compile_context_create(nullptr);
  GRPO_CHECK(context != nullptr);
  pcre2_set_newline(context, PCRE2_NEWLINE_LF);
  pcre2_set_max_pattern_length(context, 1 << 16);
  int error = 0;
  PCRE2_SIZE offset = 0;
  if ((options & PCRE2_LITERAL) == 0) options |= PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C;
  code->pattern = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(),
                                PCRE2_UTF | options, &error, &offset, context);
  pcre2_compile_context_free(context);
  if (code->pattern == nullptr) {
    PCRE2_UCHAR message[256];
    pcre2_get_error_message(error, message, sizeof(message));
    return absl::InvalidArgumentError(absl::StrCat("the pattern '", QuoteForMessage(pattern, 200),
                                                   "' is wrong at byte ", offset, ": ",
                                                   reinterpret_cast<const char*>(message)));
  }
  // Where the machine has no such compiler the pattern is interpreted, with the same result.
  pcre2_jit_compile(code->pattern, PCRE2_JIT_COMPLETE);
  code->limits = pcre2_match_context_create(nullptr);
  GRPO_CHECK(code->limits != nullptr);
  pcre2_set_match_limit(code->limits, kMatchLimit);
  pcre2_set_heap_limit(code->limits, kHeapLimitKibibytes);
  return Regex(std::move(code));
}

std::vector<Regex::Match> Regex::FindAll(absl::string_view text) const {
  std::vector<Match> matches;
  const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create_from_pattern(code_->pattern, nullptr), pcre2_match_data_free);
  GRPO_CHECK(data != nullptr);
  const auto* subject = reinterpret_cast<PCRE2_SPTR>(text.data());
  size_t start = 0;
  while (start <= text.size()) {
    int result = pcre2_match(code_->pattern, subject, text.size(), start, PCRE2_NO_UTF_CHECK,
                             data.get(), code_->limits);
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) {  // the interpreter keeps its stack on the heap
      result = pcre2_match(code_->pattern, subject, text.size(), start,
                           PCRE2_NO_UTF_CHECK | PCRE2_NO_JIT, data.get(), code_->limits);
    }
    if (result < 0) break;
    const PCRE2_SIZE* span = pcre2_get_ovector_pointer(data.get());
    if (span[0] > span[1] || span[0] < start) break;  // \K can do that
    matches.push_back({span[0], span[1]});
    start = span[1] > span[0] ? span[1] : NextCharacter(text, span[1]);
  }
  return matches;
}

}  // namespace grpo
