#include "data/added_tokens.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

// The cut text, as "text|<id>|text".
std::string Cut(const AddedTokenFinder& finder, const std::string& text) {
  std::string cut;
  finder.Split(
      text, [&](absl::string_view piece) { absl::StrAppend(&cut, piece, "|"); },
      [&](int32_t id) { absl::StrAppend(&cut, "<", id, ">|"); });
  return cut;
}

std::vector<AddedToken> Tokens(const std::vector<std::pair<int32_t, std::string>>& texts) {
  std::vector<AddedToken> tokens;
  for (const auto& [id, text] : texts) {
    AddedToken& token = tokens.emplace_back();
    token.id = id;
    token.text = text;
  }
  return tokens;
}

TEST(AddedTokenFinderTest, TakesTheLeftmostThenTheLongest) {
  const AddedTokenFinder finder(Tokens({{1, "<a"}, {2, "<a>"}, {3, "a>b"}, {4, "中"}}));
  EXPECT_EQ(Cut(finder, "x<a>by<a"), "x|<2>|by|<1>|");
  EXPECT_EQ(Cut(finder, "a>b<a>"), "<3>|<2>|");
  EXPECT_EQ(Cut(finder, "文中"), "文|<4>|");
  EXPECT_EQ(Cut(finder, "<<"), "<<|");
  EXPECT_EQ(Cut(finder, ""), "");
}

TEST(AddedTokenFinderTest, TakesWhiteSpaceOnTheSidesThatStrip) {
  std::vector<AddedToken> tokens = Tokens({{1, "<l>"}, {2, "<r>"}});
  tokens[0].left_strip = true;
  tokens[1].right_strip = true;
  const AddedTokenFinder finder(tokens);
  EXPECT_EQ(Cut(finder, "a \u3000<l> b"), "a|<1>| b|");
  EXPECT_EQ(Cut(finder, "a <r>\n\u00a0b"), "a |<2>|b|");
  EXPECT_EQ(Cut(finder, "<r>  <l>"), "<2>|<1>|");  // no space is taken twice
  EXPECT_EQ(Cut(finder, "  <l><l>  "), "<1>|<1>|  |");
}

TEST(AddedTokenFinderTest, FindsASingleWordNextToNoLetter) {
  std::vector<AddedToken> tokens = Tokens({{1, "ab"}});
  tokens[0].single_word = true;
  const AddedTokenFinder finder(tokens);
  EXPECT_EQ(Cut(finder, "ab ab, abc éab ab_ ab"), "<1>| |<1>|, abc éab ab_ |<1>|");
  EXPECT_EQ(Cut(finder, "ab\u0301 中ab 😀ab"), "ab\u0301 中ab 😀|<1>|");
}

TEST(AddedTokenFinderTest, WithoutTokensLeavesTheTextWhole) {
  EXPECT_EQ(Cut(AddedTokenFinder(), "<a>"), "<a>|");
}

}  // namespace
}  // namespace grpo
