#include "data/regex.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> Matches(const std::string& pattern, const std::string& text) {
  const auto regex = Regex::Compile(pattern);
  EXPECT_TRUE(regex.ok()) << regex.status();
  std::vector<std::string> matches;
  for (const Regex::Match& match : regex->FindAll(text)) {
    matches.push_back(text.substr(match.begin, match.end - match.begin));
  }
  return matches;
}

std::string ErrorOf(const std::string& pattern) {
  return std::string(Regex::Compile(pattern).status().message());
}

TEST(RegexTest, FindsMatchesByUnicodeClass) {
  EXPECT_THAT(Matches(R"(\p{L}+|\p{N})", "ab é中1٣!"), ElementsAre("ab", "é中", "1", "٣"));
  EXPECT_THAT(Matches("[[:alpha:]]+", "ab1c"), ElementsAre("ab", "c"));
}

TEST(RegexTest, GoesOnAfterEmptyMatchesByWholeCharacters) {
  EXPECT_THAT(Matches("a*", "中a"), ElementsAre("", "a", ""));
}

TEST(RegexTest, CountsExactlyUnicodesWhiteSpaceAsWhiteSpace) {
  const std::string spaces = "\t\n\v\f\r \u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000";
  EXPECT_THAT(Matches(R"(\s+)", spaces), ElementsAre(spaces));
  EXPECT_THAT(Matches(R"([\s]+)", spaces), ElementsAre(spaces));
  EXPECT_THAT(Matches(R"(\S+)", spaces), IsEmpty());
  EXPECT_THAT(Matches(R"(\s|[\s])", "\u180e\u200b"), IsEmpty());
  EXPECT_THAT(Matches(R"([\S]+)", "\u180e\u200b"), ElementsAre("\u180e\u200b"));
}

TEST(RegexTest, RefusesWhatOnigurumaMeansDifferently) {
  EXPECT_THAT(ErrorOf("\\h"), HasSubstr("\\h"));
  EXPECT_THAT(ErrorOf("[a-z&&[^b]]"), HasSubstr("set intersection"));
  EXPECT_THAT(ErrorOf("[a[bc]]"), HasSubstr("a set inside a set"));
  EXPECT_THAT(ErrorOf("(?im)a."), HasSubstr("(?m)"));
}

TEST(RegexTest, SaysWhatIsWrongWithAPattern) {
  EXPECT_THAT(ErrorOf("a(b"), HasSubstr("missing closing parenthesis"));
  EXPECT_THAT(ErrorOf("[a"), HasSubstr("missing terminating ]"));
  EXPECT_THAT(ErrorOf("a\\"), HasSubstr("\\ at end of pattern"));
  EXPECT_FALSE(Regex::Compile("\xff").ok());
  EXPECT_FALSE(Regex::Compile(std::string(100'000, 'a')).ok());
  EXPECT_FALSE(Regex::Compile(std::string(10'000, '(')).ok());
}

TEST(RegexTest, TakesALiteralAsItIs) {
  EXPECT_EQ(Regex::CompileLiteral("a.b")->FindAll("a.baxb").size(), 1u);
  EXPECT_FALSE(Regex::CompileLiteral("").ok());
}

TEST(RegexTest, GivesUpOnAPatternThatBacktracksWithoutEnd) {
  EXPECT_THAT(Matches("(a+)+$", std::string(100, 'a') + "!"), IsEmpty());
  EXPECT_THAT(Matches("(a|a)*b|c", std::string(5000, 'a') + "!c"), IsEmpty());
}

}  // namespace
}  // namespace grpo
