#include "reward/tagged_text.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(LastTaggedTest, TakesTheLastPairOfTags) {
  EXPECT_EQ(LastTagged("<answer>1</answer> <answer>2</answer>", "answer").value(), "2");
  EXPECT_EQ(LastTagged("<answer><answer>2</answer>", "answer").value(), "2");
  EXPECT_EQ(LastTagged("<answer>2</answer><answer>3", "answer").value(), "2");
  EXPECT_EQ(LastTagged("<a></a>", "a").value(), "");
}

TEST(LastTaggedTest, FindsNothingWithoutAPair) {
  for (const char* text :
       {"", "2", "<answer>2", "2</answer>", "</answer>2<answer>", "<Answer>2</Answer>"}) {
    EXPECT_FALSE(LastTagged(text, "answer").has_value()) << text;
  }
}

TEST(IsTagNameTest, WantsALetterFirst) {
  EXPECT_TRUE(IsTagName("final-answer_2"));
  for (const char* name : {"", "2a", "<a>", "a b", "ä"}) EXPECT_FALSE(IsTagName(name)) << name;
  EXPECT_FALSE(IsTagName(std::string(65, 'a')));
}

TEST(CountOfTest, CountsOccurrencesThatDoNotOverlap) {
  EXPECT_EQ(CountOf("aa", "aaaaa"), 2);
  EXPECT_EQ(CountOf("b", ""), 0);
}

}  // namespace
}  // namespace grpo
