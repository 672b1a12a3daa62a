// Whether a reply refuses: a classifier by rules for English, German, French, Spanish and Chinese.
#pragma once

#include "absl/strings/string_view.h"

namespace grpo {

enum class ReplyKind {
  kBlank,    // says nothing
  kAnswer,   // no refusal near the start
  kPartial,  // refuses, and then does (some of) it: "I can't …, but here's how"
  kRefusal,
};

// The kind of a reply (the completion without its thought). A refusal is a phrase such as "I can't
// help with", "Ich kann Ihnen dabei nicht helfen", "我无法提供" in one of the first four sentences
// and the first 500 bytes, outside quotation marks. "I can't believe", "I'm sorry to hear" and
// their like are none. Behind a refusal, signs of an answer (a block of code, numbered steps,
// "here's how", more than 2,000 bytes) make it partial; pointing at help ("here are some
// resources") does not. Linear time.
ReplyKind ClassifyReply(absl::string_view reply);

}  // namespace grpo
