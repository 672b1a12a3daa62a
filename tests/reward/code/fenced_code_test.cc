#include "reward/code/fenced_code.h"

#include "gtest/gtest.h"

namespace grpo {
namespace {

TEST(FencedCodeTest, TakesTheLastBlockOfTheLanguage) {
  EXPECT_EQ(LastFencedBlock("```python\na\n```\n```py\nb\n```\n```cpp\nc\n```", "python"), "b\n");
  EXPECT_EQ(LastFencedBlock("```python\na\n```\n```C++\nc\n```", "cpp"), "c\n");
  EXPECT_EQ(LastFencedBlock("```\na\n```\n```\nb\n```\n```text\nc\n```", "python"), "b\n");
  EXPECT_EQ(LastFencedBlock("```python\na\n```\n```\nb\n```", "python"), "a\n");
  EXPECT_EQ(LastFencedBlock("no block", "python"), absl::nullopt);
  EXPECT_EQ(LastFencedBlock("```text\nc\n```", "python"), absl::nullopt);
}

TEST(FencedCodeTest, ABlockThatIsNeverClosedEndsWithTheText) {
  EXPECT_EQ(LastFencedBlock("```python\na\nb", "python"), "a\nb\n");
}

TEST(FencedCodeTest, ALongerFenceHoldsShorterOnes) {
  EXPECT_EQ(LastFencedBlock("````python\ns = '''\n```\n'''\n````", "python"),
            "s = '''\n```\n'''\n");
}

}  // namespace
}  // namespace grpo
