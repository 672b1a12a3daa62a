// What a completion says to its reader: the text without the thought.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// The completion without its thought: each <think>…</think> goes; a first </think> without a
// <think> before it ends a thought that the chat template opened; a <think> that is never closed
// takes the rest along. A later </think> without its <think> is text, so that nothing can be hidden
// by writing the tag again. A line break stands where a thought was. Linear time.
std::string ReplyWithoutThought(absl::string_view completion);

// What stands after the last </think>, all without one; nothing where a <think> is never closed.
absl::optional<absl::string_view> AfterThought(absl::string_view completion);

}  // namespace grpo
