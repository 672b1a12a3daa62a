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

TEST(FencedCodeTest, DropsTheThought) {
  EXPECT_EQ(AfterThought("<think>a</think>b"), "b");
  EXPECT_EQ(AfterThought("a</think>b</think>c"), "c");
  EXPECT_EQ(AfterThought("b"), "b");
  EXPECT_EQ(AfterThought("<think>b"), absl::nullopt);
}

}  // namespace
}  // namespace grpo
