#include "rollout/thinking_budget.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class ThinkingBudgetTest : public testing::Test {
 protected:
  ThinkingBudgetTest() {
    const auto trained = Tokenizer::Train({"so we think, and think again </answer>"}, 264,
                                          {"<eos>"}, {"<think>", "</think>"});
    EXPECT_TRUE(trained.ok()) << trained.status();
    tokenizer_ = *trained;
    config_.thinking_budget = 4;
    config_.max_new_tokens = 40;
  }

  // A completion that would draw the tokens of `drawn`, with what is forced in between.
  std::vector<int32_t> Completion(const std::string& drawn) {
    const auto thinking = ThinkingBudget::Create(config_, *tokenizer_);
    EXPECT_TRUE(thinking.ok()) << thinking.status();
    ThinkingBudget::Progress progress;
    std::vector<int32_t> tokens;
    forced_.clear();
    for (int32_t next : tokenizer_->Encode(drawn)) {
      const absl::optional<int32_t> forced = thinking->ForcedToken(progress);
      tokens.push_back(forced ? *forced : next);
      forced_.push_back(forced.has_value());
      thinking->Add(tokenizer_->TokenBytes(tokens.back()), progress);
    }
    return tokens;
  }

  std::string Text(const std::vector<int32_t>& tokens) { return tokenizer_->Decode(tokens, false); }

  std::shared_ptr<const Tokenizer> tokenizer_;
  SamplingConfig config_;
  std::vector<int> forced_;
};

TEST_F(ThinkingBudgetTest, ForcesTheMarkOnceTheBudgetIsUsed) {
  EXPECT_EQ(Text(Completion("0123456789")), "0123</think>56789");
  EXPECT_THAT(forced_, ElementsAre(0, 0, 0, 0, 1, 0, 0, 0, 0, 0));
}

TEST_F(ThinkingBudgetTest, ForcesNothingWhereThinkingHasEndedInTime) {
  for (const char* text : {"012</think>456789", "0</think>23456789", "</think>123456789"}) {
    EXPECT_EQ(Text(Completion(text)), text);
    EXPECT_EQ(std::count(forced_.begin(), forced_.end(), 1), 0);
  }
}

TEST_F(ThinkingBudgetTest, ForcesAMarkOfSeveralTokensOneByOne) {
  config_.thinking_end = "\nZ!";
  EXPECT_EQ(Text(Completion("0123456789")), "0123\nZ!789");
  EXPECT_THAT(forced_, ElementsAre(0, 0, 0, 0, 1, 1, 1, 0, 0, 0));
}

TEST_F(ThinkingBudgetTest, KnowsTheMarkHoweverItIsWritten) {
  config_.thinking_budget = 12;
  ThinkingBudget::Progress progress;
  const auto thinking = ThinkingBudget::Create(config_, *tokenizer_);
  for (const char* bytes : {"a", "x</", "thi", "nk", ">y"}) {
    EXPECT_FALSE(progress.mark.stop_end);
    thinking->Add(bytes, progress);
  }
  for (int i = 0; i < 20; ++i) {
    EXPECT_FALSE(thinking->ForcedToken(progress));
    thinking->Add("a", progress);
  }
}

TEST_F(ThinkingBudgetTest, ForcesNothingWhenOff) {
  config_.thinking_budget = 0;
  EXPECT_EQ(Text(Completion("0123456789")), "0123456789");
  EXPECT_FALSE(ThinkingBudget().on());
  EXPECT_FALSE(ThinkingBudget().ForcedToken({}));
}

TEST_F(ThinkingBudgetTest, RefusesABudgetThatLeavesNothingForTheAnswer) {
  config_.max_new_tokens = 5;
  const absl::Status status = ThinkingBudget::Create(config_, *tokenizer_).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(status.message(), HasSubstr("Lower thinking_budget or raise max_new_tokens"));
  config_.max_new_tokens = 6;
  EXPECT_TRUE(ThinkingBudget::Create(config_, *tokenizer_).ok());
}

}  // namespace
}  // namespace grpo
