#include "rollout/ngram_draft.h"

#include <gtest/gtest.h>

namespace grpo {
namespace {

using Tokens = std::vector<int32_t>;

TEST(NgramDraftTest, GuessesWhatFollowedTheSameTokens) {
  EXPECT_EQ(NgramDraft(Tokens{7, 1, 2, 3, 4, 5}, Tokens{9, 1, 2}, 2), Tokens({3, 4}));
  EXPECT_EQ(NgramDraft(Tokens{7, 1, 2, 3, 4, 5}, Tokens{9, 1, 2}, 9), Tokens({3, 4, 5, 9, 1, 2}));
}

TEST(NgramDraftTest, PrefersTheLongestAndThenTheLastPlace) {
  EXPECT_EQ(NgramDraft(Tokens{0, 1, 2, 30, 5, 1, 2, 31}, Tokens{1, 2}, 1), Tokens({31}));
  EXPECT_EQ(NgramDraft(Tokens{0, 1, 2, 30, 5, 1, 2, 31}, Tokens{0, 1, 2}, 1), Tokens({30}));
}

TEST(NgramDraftTest, GuessesNothingWithoutARepetitionOfTwoTokens) {
  EXPECT_EQ(NgramDraft(Tokens{1, 2, 3}, Tokens{4, 2}, 4), Tokens());
  EXPECT_EQ(NgramDraft(Tokens{1}, Tokens{}, 4), Tokens());
  EXPECT_EQ(NgramDraft(Tokens{}, Tokens{}, 4), Tokens());
}

TEST(NgramDraftTest, GuessesNothingWhereNothingIsAskedFor) {
  EXPECT_EQ(NgramDraft(Tokens{1, 2, 3}, Tokens{1, 2}, 0), Tokens());
  EXPECT_EQ(NgramDraft(Tokens{1, 2, 3}, Tokens{1, 2}, -1), Tokens());
}

}  // namespace
}  // namespace grpo
