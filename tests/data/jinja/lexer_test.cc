#include "data/jinja/lexer.h"

#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo::jinja {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::vector<std::string> Texts(const std::string& source) {
  const auto tokens = Tokenize(source, "t");
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  std::vector<std::string> texts;
  for (const Token& token : *tokens) texts.push_back(token.text);
  return texts;
}

std::string ErrorOf(const std::string& source) {
  return std::string(Tokenize(source, "t").status().message());
}

TEST(JinjaLexerTest, TellsTextFromTags) {
  EXPECT_THAT(Texts("a{{ b }}c"), ElementsAre("a", "", "b", "", "c", ""));
  EXPECT_THAT(Texts("{ {a} }"), ElementsAre("{ {a} }", ""));
  EXPECT_THAT(Texts("{{ '}}' }}"), ElementsAre("", "}}", "", ""));
  EXPECT_THAT(Texts("{# {{ b }} #}c"), ElementsAre("c", ""));
}

TEST(JinjaLexerTest, TakesWhiteSpaceAwayAroundBlocks) {
  EXPECT_THAT(Texts("a\n  {% b %}\nc"), ElementsAre("a\n", "", "b", "", "c", ""));
  EXPECT_THAT(Texts("a \n {%- b -%} \n c"), ElementsAre("a", "", "b", "", "c", ""));
  EXPECT_THAT(Texts("a\n  {%+ b +%}\nc"), ElementsAre("a\n  ", "", "b", "", "\nc", ""));
  EXPECT_THAT(Texts("a\n  {{ b }}\nc"), ElementsAre("a\n  ", "", "b", "", "\nc", ""));
}

TEST(JinjaLexerTest, ReadsNumbers) {
  const auto tokens = Tokenize("{{ 1_000 0x1f 1.5e3 a.1.5 }}", "t");
  ASSERT_TRUE(tokens.ok()) << tokens.status();
  EXPECT_EQ((*tokens)[1].integer, 1000);
  EXPECT_EQ((*tokens)[2].integer, 31);
  EXPECT_EQ((*tokens)[3].number, 1500.0);
  EXPECT_EQ((*tokens)[6].integer, 1);
  EXPECT_EQ((*tokens)[8].integer, 5);
}

TEST(JinjaLexerTest, ReadsStringEscapes) {
  EXPECT_EQ(Texts(R"({{ 'a\n\x41\u00e9\101\'' }})")[1], "a\nAéA'");
  EXPECT_EQ(Texts(R"({{ '\q' }})")[1], "\\q");
}

TEST(JinjaLexerTest, NamesTheLineOfAnError) {
  EXPECT_THAT(ErrorOf("\n{{ 'a }}"), HasSubstr("t:2: the string has no closing quote"));
  EXPECT_THAT(ErrorOf("{{ a @ b }}"), HasSubstr("unexpected character '@'"));
  EXPECT_THAT(ErrorOf("{{ (a] }}"), HasSubstr("unexpected ']', expected ')'"));
  EXPECT_THAT(ErrorOf("{# a"), HasSubstr("the comment has no end"));
  EXPECT_THAT(ErrorOf("\n{% raw %}\n\n"), HasSubstr("t:2: the raw block has no end"));
  EXPECT_THAT(ErrorOf("a\n\xff"), HasSubstr("t:2: a template must be UTF-8"));
}

}  // namespace
}  // namespace grpo::jinja
