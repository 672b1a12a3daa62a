#include "reward/number_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

std::string Read(absl::string_view text) {
  const auto number = ParseNumber(NormalizeAnswerText(text));
  if (!number.has_value()) return "none";
  return number->value.ToString() + (number->percent ? "%" : "") +
         (number->unit.empty() ? "" : " [" + number->unit + "]");
}

TEST(ParseNumberTest, ReadsTheValueAndTheUnit) {
  EXPECT_EQ(Read("-1,234.50 km/h"), "-2469/2 [km/h]");
  EXPECT_EQ(Read("3 1/2 hours"), "7/2 [hours]");
  EXPECT_EQ(Read("25 %"), "25%");
  EXPECT_EQ(Read("£2.50"), "5/2 [£]");
  EXPECT_EQ(Read("1.5e-3"), "3/2000");
  EXPECT_EQ(Read("5 cubic cm"), "5 [cubic cm]");
  EXPECT_EQ(Read("4m²"), "4 [m²]");
}

TEST(ParseNumberTest, ReadsNothingOutOfWhatIsNotOneNumber) {
  for (const char* text : {"", "-", "$", ".", "e5", "1e5000", "abc", "1 2", "$5 kg", "5 kg m s",
                           "1/", "/2", "1//2", "(5)", "5!"}) {
    EXPECT_EQ(Read(text), "none") << text;
  }
}

TEST(ParseNumberTest, TakesAsManyDigitsAsItSays) {
  EXPECT_TRUE(ParseNumber(std::string(1000, '9')).has_value());
  EXPECT_FALSE(ParseNumber(std::string(1001, '9')).has_value());
  EXPECT_FALSE(ParseNumber("1/" + std::string(1001, '9')).has_value());
  EXPECT_FALSE(ParseNumber("1 1/" + std::string(1001, '9')).has_value());
}

TEST(NormalizeAnswerTextTest, RemovesWhatDoesNotChangeAnAnswer) {
  EXPECT_EQ(NormalizeAnswerText("  $ 12 $ "), "12");
  EXPECT_EQ(NormalizeAnswerText("a \n\t b."), "a b");
  EXPECT_EQ(NormalizeAnswerText("."), ".");
  EXPECT_EQ(NormalizeAnswerText("$"), "$");
  EXPECT_EQ(NormalizeAnswerText("$1$ and $2$"), "$1$ and $2$");
}

}  // namespace
}  // namespace grpo
