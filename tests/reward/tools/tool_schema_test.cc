#include "reward/tools/tool_schema.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

using nlohmann::json;

bool Fits(const char* value, const char* schema) {
  return SchemaViolation(json::parse(value), json::parse(schema)).empty();
}

TEST(ToolSchemaTest, ChecksTypes) {
  EXPECT_TRUE(Fits("1", R"({"type": "integer"})"));
  EXPECT_TRUE(Fits("1", R"({"type": "number"})"));
  EXPECT_TRUE(Fits("1.5", R"({"type": "float"})"));
  EXPECT_TRUE(Fits("[1]", R"({"type": "tuple"})"));
  EXPECT_TRUE(Fits("{}", R"({"type": "dict"})"));
  EXPECT_TRUE(Fits("null", R"({"type": ["string", "null"]})"));
  EXPECT_TRUE(Fits("[{}]", R"({"type": "any"})"));
  EXPECT_TRUE(Fits("1", "{}"));
  EXPECT_TRUE(Fits("1", "true"));
  EXPECT_FALSE(Fits("1", "false"));
  EXPECT_FALSE(Fits("1.0", R"({"type": "integer"})"));
  EXPECT_FALSE(Fits("true", R"({"type": "integer"})"));
  EXPECT_FALSE(Fits("true", R"({"type": "number"})"));
  EXPECT_FALSE(Fits("\"1\"", R"({"type": "number"})"));
  EXPECT_FALSE(Fits("0", R"({"type": "boolean"})"));
  EXPECT_FALSE(Fits("null", R"({"type": "string"})"));
}

TEST(ToolSchemaTest, ChecksChoices) {
  EXPECT_TRUE(Fits("\"a\"", R"({"enum": ["a", "b"]})"));
  EXPECT_TRUE(Fits("1.0", R"({"enum": [1]})"));
  EXPECT_FALSE(Fits("\"A\"", R"({"enum": ["a"]})"));
  EXPECT_FALSE(Fits("true", R"({"enum": [1]})"));
  EXPECT_TRUE(Fits("5", R"({"const": 5})"));
  EXPECT_FALSE(Fits("6", R"({"const": 5})"));
  EXPECT_TRUE(Fits("null", R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})"));
  EXPECT_FALSE(Fits("\"\"", R"({"anyOf": [{"type": "integer"}, {"type": "null"}]})"));
}

TEST(ToolSchemaTest, ChecksWhatIsInside) {
  const char* list = R"({"type": "array", "items": {"type": "integer"}})";
  EXPECT_TRUE(Fits("[]", list));
  EXPECT_TRUE(Fits("[1, 2]", list));
  EXPECT_FALSE(Fits("[1, \"2\"]", list));
  const char* object = R"({"type": "object", "properties": {"a": {"type": "integer"},
      "b": {"type": "array", "items": {"type": "string"}}}, "required": ["a"],
      "additionalProperties": false})";
  EXPECT_TRUE(Fits(R"({"a": 1})", object));
  EXPECT_TRUE(Fits(R"({"a": 1, "b": ["x"]})", object));
  EXPECT_FALSE(Fits(R"({"b": ["x"]})", object));
  EXPECT_FALSE(Fits(R"({"a": 1, "b": [1]})", object));
  EXPECT_FALSE(Fits(R"({"a": 1, "c": 1})", object));
  EXPECT_TRUE(Fits(R"({"c": 1})", R"({"additionalProperties": {"type": "integer"}})"));
  EXPECT_FALSE(Fits(R"({"c": "1"})", R"({"additionalProperties": {"type": "integer"}})"));
  EXPECT_TRUE(Fits(R"({"type": 1})", R"({"properties": {"type": {"type": "integer"}}})"));
}

TEST(ToolSchemaTest, ReadsDefinitions) {
  const auto toolbox = ReadToolbox(json::parse(
      R"([{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
          {"name": "g", "parameters": {"type": "dict", "properties": {}}}, {"name": "h"}])"));
  ASSERT_TRUE(toolbox.ok()) << toolbox.status();
  EXPECT_EQ(toolbox->size(), 3u);
  EXPECT_EQ(toolbox->at("g")["type"], "dict");
}

TEST(ToolSchemaTest, RefusesUnusableDefinitions) {
  std::string deep = "{}";
  for (int i = 0; i < 50; ++i) deep = R"({"items": )" + deep + "}";
  for (const std::string& tools :
       {std::string("{}"), std::string("[1]"), std::string(R"([{"parameters": {}}])"),
        std::string(R"([{"name": 1}])"), std::string(R"([{"name": "f"}, {"name": "f"}])"),
        std::string(R"([{"name": "f", "parameters": []}])"),
        std::string(R"([{"name": "f", "parameters": {"properties": []}}])"),
        std::string(R"([{"name": "f", "parameters": {"properties": {"x": {"type": "strange"}}}}])"),
        std::string(R"([{"name": "f", "parameters": {"properties": {"x": {"enum": 1}}}}])"),
        std::string(R"([{"function": 1}])"), R"([{"name": "f", "parameters": )" + deep + "}]"}) {
    EXPECT_FALSE(ReadToolbox(json::parse(tools)).ok()) << tools;
  }
}

TEST(ToolSchemaTest, GivesTypesToTextArguments) {
  const json parameters = json::parse(
      R"({"properties": {"s": {"type": "string"}, "i": {"type": "integer"}, "b": {"type": "boolean"},
          "l": {"type": "array"}, "n": {"type": ["string", "null"]}}})");
  ToolCall call{"f",
                {{"s", "5"},
                 {"i", " 5 "},
                 {"b", "True"},
                 {"l", "['a', 1]"},
                 {"n", "null"},
                 {"x", "some text"},
                 {"y", "1.5"}},
                /*untyped=*/true};
  GiveTypes(parameters, &call);
  EXPECT_EQ(call.arguments, json::parse(R"({"s": "5", "i": 5, "b": true, "l": ["a", 1], "n": null,
                                            "x": "some text", "y": 1.5})"));
  ToolCall typed{"f", {{"i", "5"}}, /*untyped=*/false};
  GiveTypes(parameters, &typed);
  EXPECT_EQ(typed.arguments["i"], "5");
}

}  // namespace
}  // namespace grpo
