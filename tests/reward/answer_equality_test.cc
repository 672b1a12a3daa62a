#include "reward/answer_equality.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace grpo {
namespace {

struct Case {
  std::string answer;
  std::string truth;
};

TEST(AnswersEqualTest, AcceptsOtherWritingsOfTheSame) {
  const std::vector<Case> cases = {
      {"132", "132"},
      {" 132 ", "132"},
      {"+132", "132"},
      {"132.", "132"},
      {"0132", "132"},
      {"132.0", "132"},
      {"-5", "-5"},
      {"\u22125", "-5"},
      {"-0", "0"},
      {"3.50", "3.5"},
      {".5", "0.5"},
      {"5.", "5"},
      {"7/2", "3.5"},
      {"14/4", "7/2"},
      {"7 / 2", "3.5"},
      {"-7/2", "-3.5"},
      {"7/-2", "-3.5"},
      {"\\frac{7}{2}", "3.5"},
      {"\\dfrac{7}{2}", "7/2"},
      {"-\\frac{1}{3}", "-1/3"},
      {"\\frac{-1}{3}", "-1/3"},
      {"\\frac { 1 } { 3 }", "1/3"},
      {"3 1/2", "3.5"},
      {"-3 1/2", "-3.5"},
      {"3\\frac{1}{2}", "7/2"},
      {"1 234/1000", "1.234"},
      {"50%", "50%"},
      {"50 %", "50\\%"},
      {"50%", "0.5"},
      {"1/2", "50%"},
      {"50", "50%"},
      {"50 percent", "50%"},
      {"1,234", "1234"},
      {"1 234", "1234"},
      {"1\u202F234", "1234"},
      {"1,234,567.50", "1234567.5"},
      {"12,345", "12 345"},
      {"12 cm", "12"},
      {"12cm", "12 cm"},
      {"12", "12 cm"},
      {"12 apples", "12"},
      {"60 km/h", "60"},
      {"5 m^2", "5 m^2"},
      {"5 square metres", "5"},
      {"60 miles per hour", "60"},
      {"20°C", "20"},
      {"$12", "12"},
      {"$12.50", "12.5"},
      {"-$3", "-3"},
      {"$-3", "-3"},
      {"\\$5", "$5"},
      {"€ 5", "5"},
      {"$12$", "12"},
      {"\\(12\\)", "12"},
      {"1.2e3", "1200"},
      {"1.2E+3", "1200"},
      {"5e-1", "1/2"},
      {"1e999999999", "1e999999999"},
      {"Paris", "paris"},
      {" New   York ", "new york"},
      {"1 3 7 9", "1 3  7 9"},
      {"x + 1", "X + 1"},
      {"yes.", "Yes"},
      {"12345678901234567890123456789", "12345678901234567890123456789.0"},
  };
  for (const Case& each : cases) {
    EXPECT_TRUE(AnswersEqual(each.answer, each.truth, 0)) << each.answer << " | " << each.truth;
  }
}

TEST(AnswersEqualTest, RefusesWhatIsNotTheSame) {
  const std::vector<Case> cases = {
      {"131", "132"},
      {"", "132"},
      {"-5", "5"},
      {"3.51", "3.5"},
      {"7/3", "3.5"},
      {"1/0", "0"},
      {"1/0", "1"},
      {"\\frac{1}{0}", "1"},
      {"\\frac{1}", "1"},
      {"3 1/2", "1.5"},
      {"31/2", "3.5"},
      {"0.33333333", "1/3"},
      {"5%", "50"},
      {"5", "50%"},
      {"0.05", "50%"},
      {"50%", "0.5%"},
      {"1,23", "123"},
      {"1,2345", "12345"},
      {"1,234 567", "1234567"},
      {"0,123", "123"},
      {"3,5", "3.5"},
      {"12 cm", "12 m"},
      {"12 cm", "13"},
      {"$12", "€12"},
      {"3x", "3"},
      {"3 x", "3"},
      {"2ab", "2"},
      {"2 pi", "2"},
      {"2\u03C0", "2"},
      {"3 million", "3"},
      {"2 dozen", "2"},
      {"12 or 13", "12"},
      {"12 and a half", "12"},
      {"12 13", "12"},
      {"12; 13", "12"},
      {"12 = 12", "12"},
      {"x=12", "12"},
      {"1.2.3", "1.2"},
      {"1e3e3", "1000"},
      {"1e4", "1000"},
      {"1e999999999", "1e999999998"},
      {"1e99999999999999999999", "1"},
      {"--5", "5"},
      {"+-5", "-5"},
      {"1 3 9 7", "1 3 7 9"},
      {"Lyon", "Paris"},
      {"12345678901234567890123456788", "12345678901234567890123456789"},
      {"0x10", "16"},
      {"inf", "1"},
      {"nan", "0"},
  };
  for (const Case& each : cases) {
    EXPECT_FALSE(AnswersEqual(each.answer, each.truth, 0)) << each.answer << " | " << each.truth;
  }
}

TEST(AnswersEqualTest, AllowsTheToleranceRelativeToTheTruth) {
  EXPECT_TRUE(AnswersEqual("3.14", "3.14159", 1e-3));
  EXPECT_FALSE(AnswersEqual("3.13", "3.14159", 1e-3));
  EXPECT_TRUE(AnswersEqual("-101", "-100", 0.01));
  EXPECT_FALSE(AnswersEqual("101", "-100", 0.01));
  EXPECT_FALSE(AnswersEqual("0.001", "0", 0.5));
}

TEST(AnswersEqualTest, ComparesWhatIsTooLongForANumberAsText) {
  const std::string long_number(4000, '7');
  EXPECT_TRUE(AnswersEqual(long_number, long_number, 0));
  EXPECT_FALSE(AnswersEqual(long_number + ".0", long_number, 0));
  EXPECT_FALSE(AnswersEqual(std::string(4000, '('), "1", 0));
  EXPECT_FALSE(AnswersEqual("0." + std::string(999, '0') + "1", "0", 0));
  std::string fracs;
  for (int i = 0; i < 600; ++i) fracs += "\\frac{";
  EXPECT_FALSE(AnswersEqual(fracs, "1", 0));
}

TEST(AnswersEqualTest, SurvivesAnyBytes) {
  uint32_t state = 1;
  const std::string alphabet = "0123456789 .,/-+eE%$\\{}frac\xE2\x88\x92xcm\n\xFF";
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (int j = 0; j < 12; ++j) {
      state = state * 1664525 + 1013904223;
      text += alphabet[(state >> 16) % alphabet.size()];
    }
    AnswersEqual(text, "12", 0.1);
    EXPECT_TRUE(AnswersEqual(text, text, 0)) << text;
  }
}

}  // namespace
}  // namespace grpo
