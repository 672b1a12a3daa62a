#include "rl/nearest_name.h"

#include <string>

#include <gtest/gtest.h>

namespace grpo {
namespace {

TEST(NearestNameTest, CountsInsertionsDeletionsSubstitutionsAndSwaps) {
  EXPECT_EQ(EditDistance("steps", "steps"), 0);
  EXPECT_EQ(EditDistance("stepz", "steps"), 1);
  EXPECT_EQ(EditDistance("step", "steps"), 1);
  EXPECT_EQ(EditDistance("stpes", "steps"), 1);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3);
  EXPECT_EQ(EditDistance("", "abc"), 3);
  EXPECT_EQ(EditDistance("STEPS", "steps"), 0);
}

TEST(NearestNameTest, ChoosesTheNearestAndTheFirstOfEquals) {
  EXPECT_EQ(NearestName("stepz", {"seed", "steps"}), "steps");
  EXPECT_EQ(NearestName("tesk", {"task", "desk"}), "task");
  EXPECT_EQ(NearestName("vocab", {"hidden_size", "vocab_size"}), "vocab_size");
}

TEST(NearestNameTest, NamesNothingForADifferentWord) {
  EXPECT_FALSE(NearestName("xyzzy", {"seed", "steps"}));
  EXPECT_FALSE(NearestName("", {"seed"}));
  EXPECT_FALSE(NearestName(std::string(100000, 'a'), {"seed"}));
  EXPECT_FALSE(NearestName("seed", {}));
}

}  // namespace
}  // namespace grpo
