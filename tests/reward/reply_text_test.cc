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

TEST(ReplyTextTest, FindsWhatFollowsTheLastThought) {
  EXPECT_EQ(AfterThought("<think>a</think>b"), "b");
  EXPECT_EQ(AfterThought("a</think>b</think>c"), "c");
  EXPECT_EQ(AfterThought("b"), "b");
  EXPECT_EQ(AfterThought("<think>b"), absl::nullopt);
}

}  // namespace
}  // namespace grpo
