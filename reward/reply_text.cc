#include "reward/reply_text.h"

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"

#include "reward/tagged_text.h"

namespace grpo {
namespace {

constexpr absl::string_view kOpen = "<think>", kClose = "</think>";

}  // namespace

std::string ReplyWithoutThought(absl::string_view completion) {
  const size_t first_open = completion.find(kOpen);
  const size_t first_close = completion.find(kClose);
  if (first_close < first_open) completion.remove_prefix(first_close + kClose.size());
  std::string reply;
  while (true) {
    const size_t open = completion.find(kOpen);
    absl::StrAppend(&reply, completion.substr(0, open));
    if (open == absl::string_view::npos) return reply;
    const size_t close = completion.find(kClose, open);
    if (close == absl::string_view::npos) return reply;
    completion.remove_prefix(close + kClose.size());
    reply += '\n';
  }
}

absl::optional<absl::string_view> AfterThought(absl::string_view completion) {
  const size_t close = FindLast(kClose, completion);
  if (close != absl::string_view::npos) completion.remove_prefix(close + kClose.size());
  if (absl::StrContains(completion, kOpen)) return absl::nullopt;
  return completion;
}

}  // namespace grpo
