#include "data/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include <pcre2.h>

#include "data/check.h"
#include "data/json.h"
#include "data/pattern_translator.h"
#include "data/status_macros.h"

namespace grpo {
namespace {

// Backtracking steps of one match. The patterns of published tokenizers need a few per character.
constexpr uint32_t kMatchLimit = 1'000'000;
constexpr uint32_t kHeapLimitKibibytes = 64 * 1024;
constexpr size_t kMaxPatternBytes = 1 << 16;

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
  const auto compile = [&]() -> absl::StatusOr<Regex> {
    if (pattern.size() > kMaxPatternBytes) {
      return absl::InvalidArgumentError(absl::StrCat("it has ", pattern.size(), " bytes; at most ",
                                                     kMaxPatternBytes, " are supported"));
    }
    ASSIGN_OR_RETURN(const std::string translated, TranslatePattern(pattern));
    return CompileWith(translated, PCRE2_MULTILINE);
  };
  absl::StatusOr<Regex> regex = compile();
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
  pcre2_set_max_pattern_length(context, 1 << 20);
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
  FindAll(text, &matches);
  return matches;
}

void Regex::FindAll(absl::string_view text, std::vector<Match>* matches) const {
  matches->clear();
  // Room for the place of the match alone, whatever the pattern; one for each thread.
  thread_local const std::unique_ptr<pcre2_match_data, void (*)(pcre2_match_data*)> data(
      pcre2_match_data_create(1, nullptr), pcre2_match_data_free);
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
    const bool is_empty = span[0] == span[1];
    if (is_empty && !matches->empty() && matches->back().end == span[1]) {
      start = NextCharacter(text, span[1]);
      continue;
    }
    matches->push_back({span[0], span[1]});
    start = span[1];
  }
}

}  // namespace grpo
