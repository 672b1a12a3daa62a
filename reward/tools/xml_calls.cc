#include "reward/tools/xml_calls.h"

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "data/json.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr size_t kMaxNameBytes = 256;

// The two spellings: <function=f><parameter=x> and <invoke name="f"><parameter name="x">.
struct Spelling {
  absl::string_view call_open, call_close, parameter_open;
};
constexpr absl::string_view kParameterClose = "</parameter>";
constexpr Spelling kFunction = {"<function=", "</function>", "<parameter="};
constexpr Spelling kInvoke = {"<invoke name=", "</invoke>", "<parameter name="};

// The rest of an opening tag behind its '=': f> or "f"> or "f" other="…">.
std::string ReadNameAndClose(absl::string_view* text, std::string* name) {
  const size_t end = text->substr(0, kMaxNameBytes).find('>');
  if (end == absl::string_view::npos) return "a tag without >";
  absl::string_view inside = absl::StripAsciiWhitespace(text->substr(0, end));
  text->remove_prefix(end + 1);
  const char quote = inside.empty() ? ' ' : inside[0];
  if (quote == '"' || quote == '\'') {
    inside = inside.substr(1, inside.find(quote, 1) - 1);
  }
  *name = std::string(inside);
  return name->empty() ? "a tag without a name" : "";
}

// A value's line break behind its opening tag and before its closing tag belongs to the layout.
absl::string_view WithoutLayout(absl::string_view value) {
  absl::ConsumePrefix(&value, "\n");
  absl::ConsumeSuffix(&value, "\n");
  return value;
}

std::string ReadParameters(const Spelling& spelling, absl::string_view* text, json* arguments) {
  while (true) {
    *text = absl::StripLeadingAsciiWhitespace(*text);
    if (absl::ConsumePrefix(text, spelling.call_close)) return "";
    if (!absl::ConsumePrefix(text, spelling.parameter_open)) {
      return absl::StrCat("expected ", spelling.parameter_open, "…> or ", spelling.call_close);
    }
    std::string name;
    const std::string fault = ReadNameAndClose(text, &name);
    if (!fault.empty()) return fault;
    const size_t end = text->find(kParameterClose);
    if (end == absl::string_view::npos) return absl::StrCat("no ", kParameterClose);
    if (arguments->contains(name)) return "a parameter that stands twice";
    (*arguments)[name] = std::string(WithoutLayout(text->substr(0, end)));
    text->remove_prefix(end + kParameterClose.size());
  }
}

// <function=f>{"x": 1}</function>
std::string ReadJsonBody(const Spelling& spelling, absl::string_view* text, ToolCall* call) {
  const size_t end = text->find(spelling.call_close);
  if (end == absl::string_view::npos) return absl::StrCat("no ", spelling.call_close);
  const auto arguments = ParseJson(text->substr(0, end), {call->name});
  text->remove_prefix(end + spelling.call_close.size());
  if (!arguments.ok() || !arguments->is_object()) return "arguments that are no JSON object";
  call->arguments = *arguments;
  return "";
}

}  // namespace

bool XmlCallStarts(absl::string_view text) {
  return absl::StartsWith(text, kFunction.call_open) || absl::StartsWith(text, kInvoke.call_open);
}

std::string ReadXmlCall(absl::string_view* text, ToolCall* call) {
  const Spelling& spelling = absl::StartsWith(*text, kInvoke.call_open) ? kInvoke : kFunction;
  text->remove_prefix(spelling.call_open.size());
  const std::string fault = ReadNameAndClose(text, &call->name);
  if (!fault.empty()) return fault;
  *text = absl::StripLeadingAsciiWhitespace(*text);
  if (absl::StartsWith(*text, "{")) return ReadJsonBody(spelling, text, call);
  call->untyped = true;
  call->arguments = json::object();
  return ReadParameters(spelling, text, &call->arguments);
}

}  // namespace grpo
