#include "reward/style/prose.h"

#include "absl/time/clock.h"
#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(ProseTest, LeavesOutCodeFormulasAddressesAndTags) {
  EXPECT_EQ(ProseOf("a ```int x;\nreturn``` b"), "a   b");
  EXPECT_EQ(ProseOf("a `code` b"), "a   b");
  EXPECT_EQ(ProseOf("a $x^2$ b $$\ny\n$$ c"), "a   b   c");
  EXPECT_EQ(ProseOf("a \\(x\\) b \\[\ny\n\\] c"), "a   b   c");
  EXPECT_EQ(ProseOf("a \\begin{align}x\\end{align} b"), "a   b");
  EXPECT_EQ(ProseOf("see https://a.example/b?c=d now"), "see   now");
  EXPECT_EQ(ProseOf("<think>a</think><b class=\"x\">"), " a  ");
}

TEST(ProseTest, KeepsWhatIsNotClosed) {
  for (const char* text : {"a ``` b", "a ` b\n` c", "costs $5\nand $6", "a \\( b", "a \\[ b",
                           "a < b > c", "x <- y", "\\begin{x"}) {
    EXPECT_EQ(ProseOf(text), text);
  }
}

TEST(ProseTest, IsLinear) {
  for (const char* part : {"```", "`", "$", "$$ ", "\\(", "\\[", "\\begin{", "<a", "<", "h", "`\n",
                           "\\begin{\\end{"}) {
    std::string text;
    while (text.size() < (1 << 20)) text += part;
    const absl::Time start = absl::Now();
    EXPECT_LE(ProseOf(text).size(), text.size());
    EXPECT_LT(absl::Now() - start, absl::Seconds(10)) << part;
  }
}

}  // namespace
}  // namespace grpo
