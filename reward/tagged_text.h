// Finds what stands between the tags of a completion.
#pragma once

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace grpo {

// Where `part`, which is not empty, occurs last in `text`; npos where it does not. Fast where the
// part's first byte is rare in running text.
size_t FindLast(absl::string_view part, absl::string_view text);

// The text inside the last <tag>…</tag>; nothing where no opening tag stands before a closing one.
absl::optional<absl::string_view> LastTagged(absl::string_view text, absl::string_view tag);

// Whether `tag` can be written as <tag>: letters, digits, '_' and '-', a letter first, at most 64.
bool IsTagName(absl::string_view tag);

// An error where `tag` cannot be the tag that holds an answer: where it is no tag's name, or
// "think", which holds the thought.
absl::Status CheckAnswerTag(absl::string_view tag);

// Occurrences of `part`, which is not empty, in `text`, not overlapping.
int CountOf(absl::string_view part, absl::string_view text);

}  // namespace grpo
