#include "reward/reply_text.h"

#include "absl/strings/str_cat.h"

namespace grpo {

std::string ReplyWithoutThought(absl::string_view completion) {
  constexpr absl::string_view kOpen = "<think>", kClose = "</think>";
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

}  // namespace grpo
