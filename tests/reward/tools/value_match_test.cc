#include "reward/tools/value_match.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

using nlohmann::json;

bool Same(const char* a, const char* b) {
  const bool same = SameJson(json::parse(a), json::parse(b));
  EXPECT_EQ(same, SameJson(json::parse(b), json::parse(a))) << a << " and " << b;
  return same;
}

bool Matches(const char* value, const char* expected, const char* schema = "{}",
             StringRule strings = StringRule::kExact) {
  return ValueMatches(json::parse(value), json::parse(expected), json::parse(schema), strings);
}

bool Allowed(const char* value, const char* allowed, const char* schema = "{}") {
  return ValueAllowed(json::parse(value), json::parse(allowed), json::parse(schema),
                      StringRule::kExact);
}

TEST(ValueMatchTest, ComparesNumbersByValue) {
  EXPECT_TRUE(Same("1", "1.0"));
  EXPECT_TRUE(Same("0", "-0.0"));
  EXPECT_TRUE(Same("18446744073709551615", "18446744073709551615"));
  EXPECT_FALSE(Same("-1", "18446744073709551615"));
  EXPECT_FALSE(Same("9007199254740993", "9007199254740992.0"));
  EXPECT_FALSE(Same("1", "1.5"));
  EXPECT_FALSE(Same("1", "true"));
  EXPECT_FALSE(Same("0", "false"));
  EXPECT_FALSE(Same("1", "\"1\""));
  EXPECT_FALSE(Same("0", "null"));
}

TEST(ValueMatchTest, ComparesContainers) {
  EXPECT_TRUE(Same("[1, [2.0]]", "[1.0, [2]]"));
  EXPECT_TRUE(Same(R"({"a": 1, "b": null})", R"({"b": null, "a": 1.0})"));
  EXPECT_FALSE(Same("[1, 2]", "[2, 1]"));
  EXPECT_FALSE(Same("[1]", "[1, 1]"));
  EXPECT_FALSE(Same(R"({"a": 1})", R"({"b": 1})"));
  EXPECT_FALSE(Same(R"({"a": 1})", R"({"a": 1, "b": 1})"));
  EXPECT_FALSE(Same("[]", "{}"));
}

TEST(ValueMatchTest, TakesAFloatForAnIntegerOnlyWhereNumbersAreAsked) {
  EXPECT_TRUE(Matches("5", "5.0"));
  EXPECT_FALSE(Matches("5.0", "5"));
  EXPECT_TRUE(Matches("5.0", "5", R"({"type": "number"})"));
  EXPECT_FALSE(Matches("5.0", "5", R"({"type": "integer"})"));
  EXPECT_TRUE(Matches("[5.0]", "[5]", R"({"type": "array", "items": {"type": "float"}})"));
  EXPECT_TRUE(
      Matches(R"({"a": 5.0})", R"({"a": 5})", R"({"properties": {"a": {"type": "number"}}})"));
  EXPECT_FALSE(Matches(R"({"a": 5.0})", R"({"a": 5})"));
}

TEST(ValueMatchTest, ComparesStringsByTheRule) {
  EXPECT_TRUE(Matches("\"a b\"", "\"a b\""));
  EXPECT_FALSE(Matches("\"A  B\"", "\"a b\""));
  EXPECT_TRUE(Matches("\" A  B\"", "\"ab\"", "{}", StringRule::kFolded));
  EXPECT_FALSE(Matches("\"1.5\"", "\"15\"", "{}", StringRule::kFolded));
  EXPECT_FALSE(Matches("\"-5\"", "\"5\"", "{}", StringRule::kFolded));
}

TEST(ValueMatchTest, TakesAnyAllowedValue) {
  EXPECT_TRUE(Allowed("2", "[1, 2]"));
  EXPECT_FALSE(Allowed("3", "[1, 2]"));
  EXPECT_FALSE(Allowed("\"\"", R"(["a", ""])"));
  EXPECT_TRUE(Allowed("[1, 2]", "[[1, 2], [3]]"));
  EXPECT_FALSE(Allowed("[2, 1]", "[[1, 2], [3]]"));
  EXPECT_FALSE(Allowed("1", "[]"));
}

TEST(ValueMatchTest, TakesAllowedValuesKeyByKey) {
  const char* allowed = R"([{"min": [1, 2], "max": [5, ""], "in": [{"x": ["a"]}, ""]}])";
  EXPECT_TRUE(Allowed(R"({"min": 2, "max": 5})", allowed));
  EXPECT_TRUE(Allowed(R"({"min": 1})", allowed));
  EXPECT_TRUE(Allowed(R"({"min": 1, "in": {"x": "a"}})", allowed));
  EXPECT_FALSE(Allowed(R"({"min": 1, "in": {"x": "b"}})", allowed));
  EXPECT_FALSE(Allowed(R"({"max": 5})", allowed));
  EXPECT_FALSE(Allowed(R"({"min": 1, "other": 5})", allowed));
  EXPECT_FALSE(Allowed(R"({"min": [1, 2]})", allowed));
  EXPECT_TRUE(Allowed(R"([{"a": 1}, {"a": 2}])", R"([[{"a": [1]}, {"a": [2, 3]}]])"));
  EXPECT_FALSE(Allowed(R"([{"a": 2}, {"a": 1}])", R"([[{"a": [1]}, {"a": [2, 3]}]])"));
}

TEST(ValueMatchTest, MakesAnInstanceOfAllowedValues) {
  EXPECT_EQ(FirstInstance(json::parse(R"({"a": ["", 1], "b": [""], "c": [[{"d": [2]}]]})")),
            json::parse(R"({"a": 1, "c": [{"d": 2}]})"));
}

}  // namespace
}  // namespace grpo
