#include "data/json.h"

#include <map>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string ErrorOf(absl::string_view text) {
  return std::string(ParseJson(text, {"f.json", 3}).status().message());
}

TEST(JsonTest, BuildsNestedValues) {
  const auto value = ParseJson(R"({"a":[1,-2.5,true,null,{"b":"é"}],"c":{}})", {"f"});
  ASSERT_TRUE(value.ok());
  EXPECT_EQ(*value, nlohmann::json::parse(R"({"a":[1,-2.5,true,null,{"b":"é"}],"c":{}})"));
}

TEST(JsonTest, KeepsTheOuterNumbersAsTheyAreWritten) {
  std::map<std::string, std::string> numbers;
  ASSERT_TRUE(ParseJson(R"({"a":0.50,"b":{"c":1.50},"d":[2.0],"e":-7,
      "f":123456789012345678901234567890})",
                        {"f"}, &numbers)
                  .ok());
  EXPECT_EQ(numbers, (std::map<std::string, std::string>{
                         {"a", "0.50"}, {"e", "-7"}, {"f", "123456789012345678901234567890"}}));
}

TEST(JsonTest, KeepsListsAndObjectsWithIntegersBeyond64BitsAsTheyAreWritten) {
  std::map<std::string, std::string> numbers;
  const auto value = ParseJson(
      R"({"small": [1, [2.50]], "large": [ {"a\"b": [], "c": -100000000000000000000},
          [true, null, "\u00e4,", 0.10], {}, 18446744073709551616 ], "rest": [1e40]})",
      {"f"}, &numbers);
  ASSERT_TRUE(value.ok()) << value.status();
  EXPECT_EQ(numbers, (std::map<std::string, std::string>{
                         {"large",
                          "[{\"a\\\"b\":[],\"c\":-100000000000000000000},[true,null,\"\u00e4,\","
                          "0.10],{},18446744073709551616]"}}));
  EXPECT_EQ((*value)["large"][3], 18446744073709551616.0);
}

TEST(JsonTest, SaysWhereAndWhatIsWrong) {
  EXPECT_THAT(ErrorOf("{\"a\": 1,\n \"b\" 2}"), AllOf(HasSubstr("f.json:4:6"), HasSubstr("':'")));
  EXPECT_THAT(ErrorOf("{\"a\": "), HasSubstr("unexpected end of input"));
  EXPECT_THAT(ErrorOf(""), HasSubstr("unexpected end of input"));
  EXPECT_THAT(ErrorOf("{\"a\": \"\xff\"}"), HasSubstr("UTF-8"));
  EXPECT_THAT(ErrorOf("{\"a\": \"\\ud800\"}"), HasSubstr("surrogate"));
  EXPECT_THAT(ErrorOf("{\"a\": 1e999}"), HasSubstr("overflow"));
  EXPECT_THAT(ErrorOf("{} {}"), HasSubstr("end of input"));
  EXPECT_THAT(ErrorOf("{\"a\": NaN}"), HasSubstr("invalid literal"));
}

TEST(JsonTest, RefusesARepeatedKey) {
  EXPECT_THAT(ErrorOf("{\"a\":1,\"a\":2}"), HasSubstr("the key \"a\" stands twice"));
}

TEST(JsonTest, RefusesNestingWithoutEnd) {
  EXPECT_THAT(ErrorOf(std::string(1'000'000, '[')), HasSubstr("256 levels"));
}

}  // namespace
}  // namespace grpo
