// Any bytes as a chat template: a text or an error, never a crash or an endless run.
#include <cstddef>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "nlohmann/json.hpp"

#include "data/chat_template.h"

namespace {

const nlohmann::ordered_json& Context() {
  static const auto* const context = new nlohmann::ordered_json(nlohmann::ordered_json::parse(R"({
    "messages": [
      {"role": "system", "content": "Be kind."},
      {"role": "user", "content": "Grüße 中🙂\n"},
      {"role": "assistant", "content": null,
       "tool_calls": [{"id": "c1", "function": {"name": "f", "arguments": {"x": 1.5, "y": []}}}]},
      {"role": "tool", "content": [{"type": "text", "text": "<think>a</think>b"}]}
    ],
    "tools": [{"type": "function", "function": {"name": "f", "parameters": {"required": ["x"]}}}],
    "add_generation_prompt": true,
    "bos_token": "<s>",
    "n": -3,
    "s": "a b,c"
  })"));
  return *context;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view source(reinterpret_cast<const char*>(data), size);
  const auto parsed = grpo::ChatTemplate::Parse(source, "fuzz");
  if (!parsed.ok()) return 0;
  grpo::ChatTemplateLimits limits;
  limits.work = 1 << 20;
  limits.output_bytes = 1 << 16;
  (void)(*parsed)->Render(Context(), limits);
  return 0;
}
