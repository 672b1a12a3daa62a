// Calls as XML-like elements.
#pragma once

#include <string>

#include "absl/strings/string_view.h"

#include "reward/tools/tool_call.h"

namespace grpo {

// Whether <function=… or <invoke name=… begins here.
bool XmlCallStarts(absl::string_view text);

// Reads the call at the start of `text`, where one begins, and removes it. Returns what was wrong,
// empty where nothing was.
std::string ReadXmlCall(absl::string_view* text, ToolCall* call);

}  // namespace grpo
