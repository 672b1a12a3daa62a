#include "data/added_tokens.h"

#include <string>

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

TEST(AddedTokenFinderTest, TakesTheLeftmostThenTheLongest) {
  const AddedTokenFinder finder({{1, "<a"}, {2, "<a>"}, {3, "a>b"}, {4, "中"}});
  EXPECT_EQ(Cut(finder, "x<a>by<a"), "x|<2>|by|<1>|");
  EXPECT_EQ(Cut(finder, "a>b<a>"), "<3>|<2>|");
  EXPECT_EQ(Cut(finder, "文中"), "文|<4>|");
  EXPECT_EQ(Cut(finder, "<<"), "<<|");
  EXPECT_EQ(Cut(finder, ""), "");
}

TEST(AddedTokenFinderTest, WithoutTokensLeavesTheTextWhole) {
  EXPECT_EQ(Cut(AddedTokenFinder(), "<a>"), "<a>|");
}

}  // namespace
}  // namespace grpo
