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
  EXPECT_THAT(Matches("a*", "中ab"), ElementsAre("", "a", ""));
  EXPECT_THAT(Matches("a*", "a"), ElementsAre("a"));  // none where a match has just ended
}

TEST(RegexTest, CountsExactlyUnicodesWhiteSpaceAsWhiteSpace) {
  const std::string spaces = "\t\n\v\f\r \u0085\u00a0\u1680\u2003\u2028\u2029\u202f\u205f\u3000";
  EXPECT_THAT(Matches(R"(\s+)", spaces), ElementsAre(spaces));
  EXPECT_THAT(Matches(R"([\s]+)", spaces), ElementsAre(spaces));
  EXPECT_THAT(Matches(R"(\S+)", spaces), IsEmpty());
  EXPECT_THAT(Matches(R"(\s|[\s])", "\u180e\u200b"), IsEmpty());
  EXPECT_THAT(Matches(R"([\S]+)", "\u180e\u200b"), ElementsAre("\u180e\u200b"));
}

TEST(RegexTest, MeansWhatOnigurumaMeans) {
  EXPECT_THAT(Matches("\\h+", "xFa0 g"), ElementsAre("Fa0"));
  EXPECT_THAT(Matches("[a-z&&[^b-y]&&[^z]]", "abyz"), ElementsAre("a"));
  EXPECT_THAT(Matches("[^a-z&&[^b-y]]+", "abyz"), ElementsAre("by"));
  EXPECT_THAT(Matches("[a[x-z]\\S&&[^c]]+", "abc z"), ElementsAre("ab", "z"));
  EXPECT_THAT(Matches("(?m)a.", "a\n"), ElementsAre("a\n"));
  EXPECT_THAT(Matches("a.", "a\nab"), ElementsAre("ab"));
  EXPECT_THAT(Matches("^b$", "a\nb\nc"), ElementsAre("b"));
  EXPECT_THAT(Matches("(?i:É)x{,2}", "éxxx"), ElementsAre("éxx"));
  EXPECT_THAT(Matches("\\d{1,2}+x", "123x"), ElementsAre("123x"));  // not a possessive quantifier
  EXPECT_THAT(Matches("(?:ab|c){2}+", "abcabcab"), ElementsAre("abcabc"));
  EXPECT_THAT(Matches("a{x|\\{b{1,2}", "a{x {bb"), ElementsAre("a{x", "{bb"));
  EXPECT_THAT(Matches("\\p{^L}+|\\P{^Nd}", "a1-"), ElementsAre("1-"));
  EXPECT_THAT(Matches("\\p{Han}+", "中\u3001文"),
              ElementsAre("中", "文"));  // not script extensions
  EXPECT_THAT(Matches("\\w+", "a_é\u0301² -"), ElementsAre("a_é\u0301²"));
  EXPECT_THAT(Matches("\\bé\\B", "éa aé é"), ElementsAre("é"));
  EXPECT_THAT(Matches("\\u4e2d\\v", "中\v中\n"), ElementsAre("中\v"));
}

TEST(RegexTest, KnowsTheCharactersOfUnicode16) {
  EXPECT_THAT(Matches("\\p{S}", "\U0001fae8\U0001fae9"), ElementsAre("\U0001fae8", "\U0001fae9"));
  EXPECT_THAT(Matches("\\p{Lo}+", "\U00031350\U0002ebf0"), ElementsAre("\U00031350\U0002ebf0"));
  EXPECT_THAT(Matches("[^\\p{L}]|\\P{L}", "\U00031350"), IsEmpty());
}

TEST(RegexTest, RefusesWhatHasNoTranslation) {
  EXPECT_THAT(ErrorOf("(?~a)"), HasSubstr("the absent operator"));
  EXPECT_THAT(ErrorOf("\\X"), HasSubstr("\\X"));
  EXPECT_THAT(ErrorOf("[[:graph:]]"), HasSubstr("[:...:]"));
  EXPECT_THAT(ErrorOf("\\pL"), HasSubstr("a property"));
  EXPECT_THAT(ErrorOf("\\p{Klingon}"), HasSubstr("unknown property"));
  EXPECT_THAT(ErrorOf("[&&a]"), HasSubstr("nothing in it"));
  EXPECT_THAT(ErrorOf(std::string(40, '[')), HasSubstr("too deep"));
}

TEST(RegexTest, SaysWhatIsWrongWithAPattern) {
  EXPECT_THAT(ErrorOf("a(b"), HasSubstr("missing closing parenthesis"));
  EXPECT_THAT(ErrorOf("[a"), HasSubstr("a set without an end ]"));
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
