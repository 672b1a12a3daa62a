#include "reward/tagged_text.h"

#include <algorithm>
#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

namespace grpo {

size_t FindLast(absl::string_view part, absl::string_view text) {
  size_t size = text.size();
  while (size > 0) {
    const void* const found = memrchr(text.data(), part[0], size);
    if (found == nullptr) break;
    const size_t at = static_cast<const char*>(found) - text.data();
    if (absl::StartsWith(text.substr(at), part)) return at;
    size = at;
  }
  return absl::string_view::npos;
}

absl::optional<absl::string_view> LastTagged(absl::string_view text, absl::string_view tag) {
  const std::string open = absl::StrCat("<", tag, ">"), close = absl::StrCat("</", tag, ">");
  const size_t end = FindLast(close, text);
  if (end == absl::string_view::npos) return absl::nullopt;
  text = text.substr(0, end);
  const size_t begin = FindLast(open, text);
  if (begin == absl::string_view::npos) return absl::nullopt;
  return text.substr(begin + open.size());
}

bool IsTagName(absl::string_view tag) {
  return !tag.empty() && tag.size() <= 64 &&
         absl::ascii_isalpha(static_cast<unsigned char>(tag[0])) &&
         std::all_of(tag.begin(), tag.end(), [](unsigned char c) {
           return absl::ascii_isalnum(c) || c == '_' || c == '-';
         });
}

absl::Status CheckAnswerTag(absl::string_view tag) {
  if (IsTagName(tag) && tag != "think") return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("answer_tag is written without brackets, begins with a letter, has letters, "
                   "digits, '_' and '-', and is not \"think\"; found \"",
                   tag, "\""));
}

int CountOf(absl::string_view part, absl::string_view text) {
  int count = 0;
  for (size_t at = text.find(part); at != absl::string_view::npos;
       at = text.find(part, at + part.size())) {
    ++count;
  }
  return count;
}

}  // namespace grpo
