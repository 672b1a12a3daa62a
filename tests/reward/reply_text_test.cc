#include "reward/reply_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(ReplyTextTest, DropsThoughts) {
  EXPECT_EQ(ReplyWithoutThought("plain"), "plain");
  EXPECT_EQ(ReplyWithoutThought("<think>a</think>b"), "\nb");
  EXPECT_EQ(ReplyWithoutThought("a</think>b"), "b");
  EXPECT_EQ(ReplyWithoutThought("x<think>a</think>y<think>b</think>z"), "x\ny\nz");
}

TEST(ReplyTextTest, DropsWhatFollowsAnOpenThought) {
  EXPECT_EQ(ReplyWithoutThought("a<think>b"), "a");
  EXPECT_EQ(ReplyWithoutThought("<think>"), "");
  EXPECT_EQ(ReplyWithoutThought(""), "");
}

TEST(ReplyTextTest, KeepsWhatStandsBeforeALaterEndTag) {
  EXPECT_EQ(ReplyWithoutThought("a</think>b</think>c"), "b</think>c");
  EXPECT_EQ(ReplyWithoutThought("<think>a</think>b</think>c"), "\nb</think>c");
}

}  // namespace
}  // namespace grpo
