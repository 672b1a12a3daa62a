#include "data/jinja/format.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo::jinja {
namespace {

using ::testing::HasSubstr;

class FormatTest : public ::testing::Test {
 protected:
  std::string Percent(const std::string& format, Values values) {
    const auto text = FormatPercent(runtime_, format, *runtime_.NewTuple(std::move(values)));
    return text.ok() ? text->AsString() : std::string(text.status().message());
  }

  std::string Braces(const std::string& format, Values values) {
    const auto text = FormatBraces(runtime_, format, Arguments{std::move(values), {}});
    return text.ok() ? text->AsString() : std::string(text.status().message());
  }

  Value Text(const std::string& text) { return *runtime_.NewString(text); }

  Runtime runtime_{Limits()};
};

TEST_F(FormatTest, PutsValuesInPlaceOfPercentSigns) {
  EXPECT_EQ(Percent("%s|%5d|%-4d|%05d", {Text("a"), Value::Int(1), Value::Int(2), Value::Int(-3)}),
            "a|    1|2   |-0003");
  EXPECT_EQ(Percent("%.2f%%", {Value::Float(1.005)}), "1.00%");
  EXPECT_EQ(Percent("%r", {Text("a")}), "'a'");
}

TEST_F(FormatTest, PutsValuesInPlaceOfBraces) {
  EXPECT_EQ(Braces("{}-{}", {Text("a"), Value::Int(1)}), "a-1");
  EXPECT_EQ(Braces("{1}{0:>3}|{{}}", {Text("a"), Text("b")}), "b  a|{}");
  EXPECT_EQ(Braces("{:,}", {Value::Int(-1234567)}), "-1,234,567");
}

TEST_F(FormatTest, SaysWhichConversionDoesNotFit) {
  EXPECT_THAT(Percent("%d", {Text("a")}), HasSubstr("%d needs a number, not 'str'"));
  EXPECT_THAT(Percent("%s", {}), HasSubstr("not enough arguments"));
  EXPECT_THAT(Percent("", {Value::Int(1)}), HasSubstr("not all arguments"));
  EXPECT_THAT(Percent("%99999d", {Value::Int(1)}), HasSubstr("above 10000"));
  EXPECT_THAT(Braces("{", {}), HasSubstr("'{' without '}'"));
  EXPECT_THAT(Braces("{0}", {}), HasSubstr("no argument 0"));
}

}  // namespace
}  // namespace grpo::jinja
