#include "reward/tools/call_parser.h"

#include <algorithm>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

#include "data/json.h"
#include "data/utf8.h"
#include "reward/tools/python_literal.h"
#include "reward/tools/xml_calls.h"

namespace grpo {
namespace {

using nlohmann::json;

constexpr absl::string_view kToolCallOpen = "<tool_call>", kToolCallClose = "</tool_call>";
constexpr size_t kMaxDepth = 64;
constexpr size_t kMaxReadings = 8;  // of each byte of a reply, on average

// How far the JSON value at the start of `text`, which is a bracket, could go: to behind its last
// bracket where `*complete`, else to where it cannot be JSON any more. What is inside is the JSON
// parser's business.
size_t JsonExtent(absl::string_view text, bool* complete) {
  std::string open;  // the closing brackets that are still to come
  bool in_string = false;
  *complete = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
      if (c == '\n') return i;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      open.push_back(c == '{' ? '}' : ']');
      if (open.size() > kMaxDepth) return i;
    } else if (c == '}' || c == ']') {
      if (open.back() != c) return i;
      open.pop_back();
      *complete = open.empty();
      if (*complete) return i + 1;
    }
  }
  return text.size();
}

// Reads {"name": …, "arguments": …} with its other spellings.
std::string CallFromObject(const json& object, ToolCall* call) {
  if (object.contains("function") && object["function"].is_object()) {
    return CallFromObject(object["function"], call);
  }
  if (!object.contains("name") || !object["name"].is_string()) return "no \"name\"";
  call->name = object["name"].get<std::string>();
  const bool has_arguments = object.contains("arguments");
  if (has_arguments == object.contains("parameters")) return "no \"arguments\"";
  const json& arguments = object[has_arguments ? "arguments" : "parameters"];
  call->arguments = arguments;
  if (arguments.is_string()) {
    const std::string& text = arguments.get_ref<const std::string&>();
    const auto parsed = ParseJson(text.empty() ? "{}" : text, {"arguments"});
    if (!parsed.ok()) return "arguments that are no JSON";
    call->arguments = *parsed;
  }
  return call->arguments.is_object() ? "" : "arguments that are no object";
}

// Collects calls form by form.
class CallFinder {
 public:
  ParsedCalls Find(absl::string_view reply) {
    ReadTags(reply);
    if (result_.fault.empty()) ReadBare(untagged_);
    if (result_.fault.empty() && result_.calls.size() > kMaxCalls) {
      result_.fault = absl::StrCat("more than ", kMaxCalls, " calls");
    }
    return std::move(result_);
  }

 private:
  // Everything between tags; the text outside goes to untagged_.
  void ReadTags(absl::string_view text) {
    while (result_.fault.empty()) {
      const size_t tag = text.find('<');
      absl::StrAppend(&untagged_, text.substr(0, tag));
      if (tag == absl::string_view::npos) return;
      text.remove_prefix(tag);
      if (absl::ConsumePrefix(&text, kToolCallOpen)) {
        ReadToolCall(&text);
      } else if (XmlCallStarts(text)) {
        ReadXml(&text);
      } else {
        untagged_ += '<';
        text.remove_prefix(1);
        continue;
      }
      untagged_ += '\n';
    }
  }

  void ReadXml(absl::string_view* text) {
    ToolCall call;
    result_.fault = ReadXmlCall(text, &call);
    result_.calls.push_back(std::move(call));
  }

  // Behind <tool_call>, up to behind </tool_call>.
  void ReadToolCall(absl::string_view* text) {
    *text = absl::StripLeadingAsciiWhitespace(*text);
    if (XmlCallStarts(*text)) {
      while (result_.fault.empty() && XmlCallStarts(*text)) {
        ReadXml(text);
        *text = absl::StripLeadingAsciiWhitespace(*text);
      }
      if (result_.fault.empty() && !text->empty() && !absl::ConsumePrefix(text, kToolCallClose)) {
        result_.fault = absl::StrCat("expected ", kToolCallClose);
      }
      return;
    }
    const size_t end = text->find(kToolCallClose);
    const auto value = ParseJson(absl::StripAsciiWhitespace(text->substr(0, end)), {"<tool_call>"});
    text->remove_prefix(end == absl::string_view::npos ? text->size()
                                                       : end + kToolCallClose.size());
    result_.fault =
        value.ok() ? CallsFromJson(*value, &result_.calls) : std::string(value.status().message());
  }

  // Calls without tags.
  void ReadBare(absl::string_view text) {
    if (ReadPlainPythonCalls(text)) return;
    const size_t budget = kMaxReadings * text.size();
    size_t at = 0;
    while (at < text.size() && result_.fault.empty()) {
      if (absl::ascii_isspace(static_cast<unsigned char>(text[at]))) {
        ++at;
        continue;
      }
      const size_t end = ReadBareAt(text, at);
      if (end > at) {
        at = end;
      } else {
        at = std::min(text.find('\n', at), text.size());
      }
      if (bytes_read_ > budget) result_.fault = "brackets inside brackets that are no calls";
    }
  }

  // The calls, or the JSON that is no call, that begin here; returns where they end, or 0 where
  // neither begins.
  size_t ReadBareAt(absl::string_view text, size_t begin) {
    if (text[begin] != '[' && text[begin] != '{') return 0;
    const absl::string_view rest = text.substr(begin);
    bool complete = false;
    const size_t extent = JsonExtent(rest, &complete);
    bytes_read_ += extent;
    if (complete) {
      const auto value = ParseJson(rest.substr(0, extent), {"reply"});
      if (value.ok()) {
        CallsFromJson(*value, &result_.calls);
        return begin + extent;
      }
    }
    PythonReader reader(rest);
    std::vector<ToolCall> calls;
    const bool read = reader.ReadCallList(&calls);
    bytes_read_ += reader.position();
    if (!read) return 0;
    for (ToolCall& call : calls) result_.calls.push_back(std::move(call));
    return begin + reader.position();
  }

  // A reply that is nothing but f(a=1) g(), perhaps as a code block.
  bool ReadPlainPythonCalls(absl::string_view text) {
    text = absl::StripAsciiWhitespace(text);
    if (absl::ConsumePrefix(&text, "```") && absl::ConsumeSuffix(&text, "```")) {
      const size_t line_end = text.find('\n');
      if (line_end == absl::string_view::npos) return false;
      text.remove_prefix(line_end);
    }
    PythonReader reader(text);
    std::vector<ToolCall> calls;
    if (!reader.ReadCallsToEnd(&calls)) return false;
    for (ToolCall& call : calls) result_.calls.push_back(std::move(call));
    return true;
  }

  ParsedCalls result_;
  std::string untagged_;
  size_t bytes_read_ = 0;  // of untagged_, in all attempts
};

}  // namespace

std::string CallsFromJson(const json& value, std::vector<ToolCall>* calls) {
  const json* list = &value;
  if (value.is_object() && value.contains("tool_calls")) list = &value["tool_calls"];
  if (list->is_object()) {
    ToolCall call;
    const std::string fault = CallFromObject(*list, &call);
    if (fault.empty()) calls->push_back(std::move(call));
    return fault;
  }
  if (!list->is_array() || list->empty()) return "expected a call or a list of calls";
  std::vector<ToolCall> found;
  for (const json& item : *list) {
    if (!item.is_object()) return "expected a list of calls";
    ToolCall call;
    const std::string fault = CallFromObject(item, &call);
    if (!fault.empty()) return fault;
    found.push_back(std::move(call));
  }
  for (ToolCall& call : found) calls->push_back(std::move(call));
  return "";
}

ParsedCalls ParseToolCalls(absl::string_view reply) {
  if (reply.size() > kMaxReplyBytes) {
    return {{}, absl::StrCat("a reply of ", reply.size(), " bytes")};
  }
  return IsUtf8(reply) ? CallFinder().Find(reply) : CallFinder().Find(ReplaceInvalidUtf8(reply));
}

}  // namespace grpo
