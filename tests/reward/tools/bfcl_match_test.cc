#include "reward/tools/bfcl_match.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

using nlohmann::json;

bool Allowed(const char* value, const char* allowed, const char* schema) {
  return BfclValueAllowed(json::parse(value), json::parse(allowed), json::parse(schema));
}

// Expected values are what bfcl_eval's ast_checker says.
TEST(BfclMatchTest, SpellsStringsAsBfcl) {
  EXPECT_EQ(BfclString("April 1, 2024"), "april12024");
  EXPECT_EQ(BfclString("It's a-b_c/d.e*f^g"), "it\"sabcdefg");
  EXPECT_EQ(BfclString("ÄB\t!"), "äb\t!");
}

TEST(BfclMatchTest, ComparesStringsLoosely) {
  EXPECT_TRUE(Allowed("\"new york\"", R"(["New York, "])", R"({"type": "string"})"));
  EXPECT_TRUE(Allowed("\"1.5\"", R"(["15"])", R"({"type": "string"})"));
  EXPECT_TRUE(Allowed("\"\"", R"(["x", ""])", R"({"type": "string"})"));
  EXPECT_FALSE(Allowed("\"b\"", R"(["a"])", R"({"type": "string"})"));
  EXPECT_FALSE(Allowed("5", R"(["5"])", R"({"type": "string"})"));
  EXPECT_TRUE(Allowed("\"x\"", R"(["X"])", R"({"type": "any"})"));
}

TEST(BfclMatchTest, ChecksTypesOfNumbers) {
  EXPECT_TRUE(Allowed("5", "[5.0]", R"({"type": "float"})"));
  EXPECT_TRUE(Allowed("5.0", "[5]", R"({"type": "float"})"));
  EXPECT_FALSE(Allowed("5.0", "[5]", R"({"type": "integer"})"));
  EXPECT_FALSE(Allowed("\"5\"", "[5]", R"({"type": "integer"})"));
  EXPECT_FALSE(Allowed("true", "[1]", R"({"type": "integer"})"));
  EXPECT_TRUE(Allowed("true", "[1]", R"({"type": "boolean"})"));  // a variable, then True == 1
}

TEST(BfclMatchTest, TakesTheTypeOfTheAllowedValuesToo) {
  EXPECT_TRUE(Allowed("\"n\"", R"(["n"])", R"({"type": "integer"})"));
  EXPECT_FALSE(Allowed("\"N\"", R"(["n"])", R"({"type": "integer"})"));
}

TEST(BfclMatchTest, ComparesListsInOrder) {
  const char* strings = R"({"type": "array", "items": {"type": "string"}})";
  EXPECT_TRUE(Allowed(R"(["A b", "c"])", R"([["ab", "C"]])", strings));
  EXPECT_FALSE(Allowed(R"(["c", "ab"])", R"([["ab", "c"]])", strings));
  EXPECT_FALSE(Allowed("[1]", R"([["1"]])", strings));
  EXPECT_TRUE(Allowed("[]", R"([["a"], ""])", strings));
  const char* floats = R"({"type": "array", "items": {"type": "float"}})";
  EXPECT_TRUE(Allowed("[1.0]", "[[1.0]]", floats));
  EXPECT_FALSE(Allowed("[1]", "[[1.0]]", floats));
  EXPECT_TRUE(Allowed("[1]", "[[1]]", floats));  // the type of the allowed value
  EXPECT_TRUE(Allowed("[1, 2]", "[[1, 2]]", R"({"type": "tuple", "items": {"type": "integer"}})"));
}

TEST(BfclMatchTest, ComparesDictsKeyByKey) {
  const char* dict = R"({"type": "dict", "properties": {}})";
  EXPECT_TRUE(Allowed(R"({"a": "X y"})", R"([{"a": ["xy"], "b": [1, ""]}])", dict));
  EXPECT_FALSE(Allowed(R"({"b": 1})", R"([{"a": ["xy"], "b": [1, ""]}])", dict));
  EXPECT_FALSE(Allowed(R"({"a": "xy", "c": 1})", R"([{"a": ["xy"]}])", dict));
  EXPECT_TRUE(Allowed(R"({"a": 2})", R"([{"a": [1]}, {"a": [2]}])", dict));
  const char* list = R"({"type": "array", "items": {"type": "dict"}})";
  EXPECT_TRUE(Allowed(R"([{"a": 1}, {"a": 2}])", R"([[{"a": [1]}, {"a": [2]}]])", list));
  EXPECT_FALSE(Allowed(R"([{"a": 1}])", R"([[{"a": [1]}, {"a": [2]}]])", list));
}

}  // namespace
}  // namespace grpo
