#include "data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include <pcre2.h>

#include "data/check.h"
#include "data/json.h"

namespace grpo {
namespace {

// Backtracking steps of one match. The patterns of published tokenizers need a few per character.
constexpr uint32_t kMatchLimit = 1'000'000;
constexpr uint32_t kHeapLimitKibibytes = 64 * 1024;

// Names what `pattern` uses that PCRE2 reads differently than Oniguruma; empty if nothing.
std::string ForeignSyntax(absl::string_view pattern) {
  bool in_set = false;
  for (size_t i = 0; i < pattern.size(); ++i) {
    const absl::string_view rest = pattern.substr(i);
    if (rest[0] == '\\') {
      if (rest.size() > 1 && (rest[1] == 'h' || rest[1] == 'H')) return "\\h";
      ++i;
    } else if (in_set) {
      if (rest.substr(0, 2) == "&&") return "a set intersection (&&)";
      if (rest[0] == '[' && rest.substr(0, 2) != "[:") return "a set inside a set";
      if (rest.substr(0, 2) == "[:") i = pattern.find(']', i);
      if (i == absl::string_view::npos) return "an unfinished set";
      if (rest[0] == ']') in_set = false;
    } else if (rest[0] == '[') {
      in_set = true;
      if (rest.substr(1, 1) == "^") ++i;
      if (pattern.substr(i + 1, 1) == "]") ++i;  // a first ] stands for itself
    } else if (rest.substr(0, 2) == "(?") {
      for (char flag : rest.substr(2)) {
        if (flag == 'm') return "the flag (?m)";
        if (!absl::ascii_isalpha(flag) && flag != '-') break;
      }
    }
  }
  return "";
}

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
  const std::string foreign = ForeignSyntax(pattern);
  if (!foreign.empty()) {
    return absl::InvalidArgumentError(absl::StrCat("the pattern '", QuoteForMessage(pattern, 200),
                                                   "' uses ", foreign, ", which is not supported"));
  }
  return CompileWith(pattern, PCRE2_MULTILINE);
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
