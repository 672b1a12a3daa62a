#include "rl/score_audit.h"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace grpo {
namespace {

Score Of(RewardState state, double reward) {
  Score score;
  score.state = state;
  score.reward = reward;
  return score;
}

TEST(ScoreAuditTest, CountsEveryOutcomeApart) {
  ScoreAudit audit;
  audit.Add(Of(RewardState::kScored, 1), true);
  audit.Add(Of(RewardState::kScored, 1.2), true);
  audit.Add(Of(RewardState::kScored, 1), false);
  audit.Add(Of(RewardState::kScored, 0.99), false);
  audit.Add(Of(RewardState::kScored, 0), true);
  audit.Add(Of(RewardState::kInvalid, 0), true);
  audit.Add(Of(RewardState::kInvalid, 0), false);
  audit.Add(Of(RewardState::kError, 0), false);
  audit.Add(Of(RewardState::kScored, 1), absl::nullopt);
  EXPECT_EQ(audit.true_positives, 2);
  EXPECT_EQ(audit.false_positives, 1);
  EXPECT_EQ(audit.true_negatives, 1);
  EXPECT_EQ(audit.false_negatives, 1);
  EXPECT_EQ(audit.undecided, 2);
  EXPECT_EQ(audit.errors, 1);
  EXPECT_EQ(audit.without_expected, 1);
}

TEST(ScoreAuditTest, EndsItsTableWithTheCountsAsJson) {
  ScoreAudit one, sum;
  one.Add(Of(RewardState::kScored, 1), false);
  one.Add(Of(RewardState::kError, 0), true);
  sum.Add(one);
  sum.Add(one);
  const std::string text = sum.ToString();
  const std::string last = text.substr(text.rfind('\n', text.size() - 2) + 1);
  EXPECT_EQ(last,
            "{\"true_positives\":0,\"false_positives\":2,\"true_negatives\":0,"
            "\"false_negatives\":0,\"undecided\":0,\"errors\":2,\"without_expected\":0}\n");
  EXPECT_NE(text.find("not to"), std::string::npos);
}

}  // namespace
}  // namespace grpo
