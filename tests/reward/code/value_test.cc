#include "reward/code/value.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace grpo {
namespace {

bool Equal(absl::string_view expected, absl::string_view found, double tolerance = 0) {
  const auto a = ParseTaggedValue(expected), b = ParseTaggedValue(found);
  EXPECT_TRUE(a.ok() && b.ok()) << expected << " or " << found;
  return a.ok() && b.ok() && ValuesEqual(*a, *b, {tolerance, /*expected_is_json=*/false});
}

TEST(ValueTest, NumbersAreEqualByValue) {
  EXPECT_TRUE(Equal("1", "1.0"));
  EXPECT_TRUE(Equal("1.0", "1"));
  EXPECT_TRUE(Equal("0.0", "-0.0"));
  EXPECT_TRUE(Equal("1e300", "1e300"));
  EXPECT_FALSE(Equal("9007199254740993", "9007199254740992.0"));  // 2^53 + 1
  EXPECT_TRUE(Equal("9007199254740992", "9007199254740992.0"));
  EXPECT_TRUE(
      Equal("123456789012345678901234567890", R"({"i": "123456789012345678901234567890"})"));
  EXPECT_FALSE(
      Equal("123456789012345678901234567890", R"({"i": "123456789012345678901234567891"})"));
  EXPECT_FALSE(Equal("1", "true"));
  EXPECT_FALSE(Equal("0", "false"));
  EXPECT_FALSE(Equal("0", "null"));
}

TEST(ValueTest, AnIntegerBeyond65536BitsHasOneText) {
  const std::string zeros(16384, '0');
  const auto hex = [](const std::string& digits) {
    return absl::StrCat(R"({"h": ")", digits, R"("})");
  };
  EXPECT_TRUE(Equal(hex("1" + zeros), hex("1" + zeros)));
  EXPECT_FALSE(Equal(hex("1" + zeros), hex("-1" + zeros)));
  EXPECT_FALSE(Equal(hex("1" + zeros), hex("1" + zeros + "0")));
  EXPECT_FALSE(Equal(hex("1" + zeros), R"({"f": "inf"})", 1));
  for (const std::string& digits : {std::string("ff"), "0" + zeros, "1" + zeros + "g", "+1" + zeros,
                                    "1" + zeros.substr(1), "-" + std::string(16384, '1')}) {
    EXPECT_FALSE(ParseTaggedValue(hex(digits)).ok()) << digits.substr(0, 4) << digits.size();
  }
}

TEST(ValueTest, ToleranceHoldsForFloatsAlone) {
  EXPECT_TRUE(Equal("1.0", "1.0000001", 1e-6));
  EXPECT_TRUE(Equal("1", "1.0000001", 1e-6));
  EXPECT_FALSE(Equal("1.0", "1.1", 1e-6));
  EXPECT_FALSE(Equal("1", "2", 1));
  EXPECT_FALSE(Equal("1.0", R"({"f": "inf"})", 1));
  EXPECT_FALSE(Equal("1.0", R"({"f": "nan"})", 1));
  EXPECT_TRUE(Equal(R"({"f": "inf"})", R"({"f": "inf"})"));
  EXPECT_FALSE(Equal(R"({"f": "inf"})", R"({"f": "-inf"})"));
  EXPECT_TRUE(
      Equal("[[1.0], {\"d\": [[\"a\", 2.0]]}]", "[[1.0000001], {\"d\": [[\"a\", 2]]}]", 1e-6));
}

TEST(ValueTest, ContainersAreEqualByKindAndContent) {
  EXPECT_TRUE(Equal(R"({"s": [1, 2, "a"]})", R"({"s": ["a", 2.0, 1]})"));
  EXPECT_FALSE(Equal(R"({"s": [1]})", R"([1])"));
  EXPECT_FALSE(Equal(R"({"t": [1]})", R"([1])"));
  EXPECT_TRUE(Equal(R"({"d": [[1, 2], [3, 4]]})", R"({"d": [[3, 4], [1.0, 2]]})"));
  EXPECT_FALSE(Equal(R"({"d": [[1, 2]]})", R"({"d": [["1", 2]]})"));
  EXPECT_FALSE(Equal(R"({"d": [[1, 2], [2, 2]]})", R"({"d": [[1, 2], [1.0, 2]]})"));  // a key twice
  EXPECT_FALSE(Equal(R"({"s": ["a", "b"]})", R"({"s": ["1:b", "a"]})"));
  EXPECT_FALSE(Equal(R"({"o": "A"})", R"({"o": "A"})"));
}

TEST(ValueTest, MalformedOrTooLargeTextIsAnError) {
  const std::string deep(1000, '[');
  for (const std::string& text :
       {std::string(""), std::string("["), std::string("[1,]"), std::string("{\"i\": \"01\"}"),
        std::string("{\"i\": \"\"}"), std::string("{\"i\": 1}"), std::string("{\"d\": [[1]]}"),
        std::string("{\"d\": 1}"), std::string("{\"t\": 1}"), std::string("{\"z\": 1}"),
        std::string("{}"), std::string("{\"b\": \"0\"}"), std::string("{\"c\": [1]}"),
        std::string("{\"c\": [\"a\", \"b\"]}"), std::string("{\"f\": \"x\"}"),
        std::string("\"\xff\""), deep + std::string(1000, ']'), std::string("NaN"),
        std::string("1 2")}) {
    EXPECT_FALSE(ParseTaggedValue(text).ok()) << text.substr(0, 40);
  }
  std::string many = "[0";
  for (int i = 0; i < 100; ++i) many += ",0";
  EXPECT_FALSE(ParseJsonValue(many + "]", {200, 50}).ok());
}

TEST(ValueTest, JsonComesBackAsItWas) {
  for (const std::string& text :
       {std::string(
            R"([1, -2, 123456789012345678901234567890, 0.5, 1e+300, "a\"\n\u00e9", null, true])"),
        std::string(R"({"a": [], "b": {}})"), std::string("[1.0, 100000.0]")}) {
    const auto value = ParseJsonValue(text);
    ASSERT_TRUE(value.ok());
    EXPECT_EQ(ToJson(*value), text);
  }
}

}  // namespace
}  // namespace grpo
