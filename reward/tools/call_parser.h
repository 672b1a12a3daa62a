// Finds the calls in a reply, in whichever of the common forms they are written.
#pragma once

#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "reward/tools/tool_call.h"

namespace grpo {

// Longer replies and more calls than this are a fault.
inline constexpr size_t kMaxReplyBytes = 1 << 20;
inline constexpr size_t kMaxCalls = 64;

// The calls of a reply (the completion without its thought), those of all forms together, so that
// writing a call in two forms makes two calls:
//   Hermes    <tool_call>{"name": "f", "arguments": {…}}</tool_call>; the last end tag may be
//             missing, since it can be the stop token
//   XML       <function=f><parameter=x>…</parameter></function>, also with a JSON object inside;
//             <invoke name="f"><parameter name="x">…</parameter></invoke>; inside <tool_call> too
//   OpenAI    {"name": "f", "arguments": {…}}, {"function": {…}}, {"tool_calls": […]} or a list of
//             these, at the start of a line; arguments (also named "parameters") as an object or as
//             a string that holds one
//   pythonic  [f(a=1), g(b='x')] at the start of a line; without the brackets only where the reply
//             (or the one code block that it is) is nothing but calls
// A tag with something else inside is a fault; other text, other JSON (with all that stands in it)
// and other lists are not. Time grows linearly with the reply.
ParsedCalls ParseToolCalls(absl::string_view reply);

// Reads one of the OpenAI shapes above. Returns what was wrong, empty where nothing was; appends
// nothing where something was.
std::string CallsFromJson(const nlohmann::json& value, std::vector<ToolCall>* calls);

}  // namespace grpo
