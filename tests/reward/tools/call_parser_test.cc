#include "reward/tools/call_parser.h"

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

// "f{"x":1} g{}", or "fault".
std::string Parse(const std::string& reply) {
  const ParsedCalls parsed = ParseToolCalls(reply);
  if (!parsed.fault.empty()) return "fault";
  std::string text;
  for (const ToolCall& call : parsed.calls) {
    absl::StrAppend(&text, text.empty() ? "" : " ", call.name, call.arguments.dump());
  }
  return text;
}

TEST(CallParserTest, ReadsOpenAiShapes) {
  const std::string call = R"({"name": "f", "arguments": {"x": 1}})";
  EXPECT_EQ(Parse(call), R"(f{"x":1})");
  EXPECT_EQ(Parse(absl::StrCat("[", call, ", ", call, "]")), R"(f{"x":1} f{"x":1})");
  EXPECT_EQ(Parse(R"({"name": "f", "parameters": {"x": 1}})"), R"(f{"x":1})");
  EXPECT_EQ(Parse(R"({"name": "f", "arguments": "{\"x\": 1}"})"), R"(f{"x":1})");
  EXPECT_EQ(Parse(R"({"name": "f", "arguments": ""})"), "f{}");
  EXPECT_EQ(
      Parse(R"({"type": "function", "id": "1", "function": {"name": "f", "arguments": "{}"}})"),
      "f{}");
  EXPECT_EQ(
      Parse(absl::StrCat(R"({"role": "assistant", "content": null, "tool_calls": [)", call, "]}")),
      R"(f{"x":1})");
  EXPECT_EQ(Parse(absl::StrCat("I call it:\n\n```json\n[\n  ", call, "\n]\n```\nDone.")),
            R"(f{"x":1})");
  EXPECT_EQ(Parse(absl::StrCat(call, "\n", call)), R"(f{"x":1} f{"x":1})");
}

TEST(CallParserTest, ReadsHermesTags) {
  EXPECT_EQ(Parse("Sure.\n<tool_call>\n{\"name\": \"f\", \"arguments\": {\"x\": 1}}\n</tool_call>"),
            R"(f{"x":1})");
  EXPECT_EQ(Parse(R"(<tool_call>{"name": "f", "arguments": {}}</tool_call>)"
                  R"(<tool_call>{"name": "g", "arguments": {}}</tool_call>)"),
            "f{} g{}");
  EXPECT_EQ(Parse(R"(<tool_call>{"name": "f", "arguments": {}})"), "f{}");
}

TEST(CallParserTest, ReadsXmlForms) {
  EXPECT_EQ(Parse("<function=f>\n<parameter=x>\n1\n</parameter>\n<parameter=y>a b</parameter>\n"
                  "</function>"),
            R"(f{"x":"1","y":"a b"})");
  EXPECT_EQ(Parse("<tool_call>\n<function=f>\n</function>\n</tool_call>"), "f{}");
  EXPECT_EQ(Parse("<function=f>{\"x\": [1]}</function>"), R"(f{"x":[1]})");
  EXPECT_EQ(Parse("<function_calls>\n<invoke name=\"a.b\">\n<parameter name=\"x\" string=\"true\">1"
                  "</parameter>\n</invoke>\n<invoke name=\"g\"></invoke>\n</function_calls>"),
            R"(a.b{"x":"1"} g{})");
}

TEST(CallParserTest, ReadsPythonicForms) {
  EXPECT_EQ(Parse("[f(a=1, b='x')]"), R"(f{"a":1,"b":"x"})");
  EXPECT_EQ(Parse("I'll call\n[f(a=1), g()]\nnow"), R"(f{"a":1} g{})");
  EXPECT_EQ(Parse("f(a=1)"), R"(f{"a":1})");
  EXPECT_EQ(Parse("f(a=1)\ng(b=[2]); h()"), R"(f{"a":1} g{"b":[2]} h{})");
  EXPECT_EQ(Parse("```python\nf(a='(\"')\n```"), R"(f{"a":"(\""})");
  EXPECT_EQ(Parse("[f(a='it\"s'), g(b=\"[\")]"), R"(f{"a":"it\"s"} g{"b":"["})");
}

TEST(CallParserTest, LeavesOtherTextAlone) {
  for (const char* reply :
       {"", "The answer is 5.", "{\"answer\": 5}", "[1, 2, 3]", "[]", "{}", "[see f(x)]", "{broken",
        "Use f(a=1) for that.", "a < b and c > d", "{\"items\": [\n{\"name\": \"x\"}\n]}", "[[1]]",
        "```cpp\nint f(int a);\n```"}) {
    EXPECT_EQ(Parse(reply), "") << reply;
  }
}

TEST(CallParserTest, ReportsTagsWithSomethingElseInside) {
  for (const char* reply :
       {"<tool_call>", "<tool_call></tool_call>", "<tool_call>f(a=1)</tool_call>",
        "<tool_call>{\"name\": \"f\"}</tool_call>",
        "<tool_call>{\"name\": \"f\", \"arguments\": [1]}</tool_call>",
        "<tool_call>{\"name\": \"f\", \"arguments\": {\"x\": 1, \"x\": 2}}</tool_call>",
        "<tool_call>{\"name\": \"f\", \"arguments\": {}} {}</tool_call>",
        "<tool_call>{\"name\": \"f\", \"arguments\": {}} and text",
        "<tool_call>{\"name\": \"f\", \"arguments\": {}, \"parameters\": {}}</tool_call>",
        "<function=f>", "<function=f", "<function=>x</function>", "<function=f>text</function>",
        "<function=f><parameter=x>1</function>", "<function=f>{broken</function>",
        "<function=f><parameter=x>1</parameter><parameter=x>2</parameter></function>",
        "<invoke name=\"f\"><parameter name=\"x\">1</parameter>", "<invoke name=\"\"></invoke>"}) {
    EXPECT_EQ(Parse(reply), "fault") << reply;
  }
}

TEST(CallParserTest, CountsACallInTwoFormsTwice) {
  EXPECT_EQ(Parse("[f(a=1)]\n<tool_call>{\"name\": \"f\", \"arguments\": {\"a\": 1}}</tool_call>"),
            R"(f{"a":1} f{"a":1})");
  EXPECT_EQ(Parse("<function=f></function>\n{\"name\": \"f\", \"arguments\": {}}"), "f{} f{}");
}

TEST(CallParserTest, StaysLinearOnHostileReplies) {
  const size_t kSize = kMaxReplyBytes - 16;
  const auto repeat = [&](const std::string& part) {
    std::string text;
    while (text.size() + part.size() <= kSize) text += part;
    return text;
  };
  for (const char* part : {"[",
                           "{",
                           "[\n",
                           "{\n",
                           "<",
                           "<tool_call",
                           "<function=",
                           "[f(a=[\n",
                           "\"",
                           "'",
                           "[[1]\n",
                           "[\"",
                           "f(a=1)\n",
                           "[f()]\n",
                           "((((",
                           "\\",
                           "\xFF",
                           "[f(x='",
                           "<invoke name=\"f\">",
                           "{\"name\":",
                           "f(a={'b':",
                           "[[[[[\n]",
                           "[1,\n[1],\n"}) {
    ParseToolCalls(repeat(part));  // ends soon, without a crash
  }
  std::string nested;
  for (int i = 0; i < 60; ++i) nested += "[\n";
  ParseToolCalls(nested + repeat("1,").substr(0, kSize - 400) + std::string(60, ']'));
  EXPECT_EQ(Parse(repeat("[f()]\n")), "fault");
  EXPECT_EQ(Parse(std::string(kMaxReplyBytes + 1, ' ')), "fault");
}

TEST(CallParserTest, ReplacesInvalidUtf8) {
  EXPECT_EQ(Parse("[f(a='\xFF')]"), "f{\"a\":\"\uFFFD\"}");
}

}  // namespace
}  // namespace grpo
