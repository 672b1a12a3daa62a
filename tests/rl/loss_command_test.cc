#include "rl/loss_command.h"

#include <cmath>
#include <sstream>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/policy/golden_policy.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::HasSubstr;

LossOptions Options() {
  LossOptions options;
  options.policy = GoldenFolder("policy_v3");
  options.algorithm = "dapo";
  return options;
}

constexpr char kTwoGroups[] =
    R"({"group": 0, "prompt": [1, 2], "completion": [3, 4, 5], "reward": 1}
{"group": 0, "prompt": [1, 2], "completion": [6], "reward": 0}

{"group": 1, "prompt": [7], "completion": [8, 9], "reward": 0}
{"group": 1, "prompt": [7], "completion": [1, 2, 3, 4], "reward": 1}
)";

json Loss(const LossOptions& options, const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  const absl::Status status = RunLoss(options, in, out);
  EXPECT_TRUE(status.ok()) << status;
  return json::parse(out.str());
}

std::string Message(const std::string& input) {
  std::istringstream in(input);
  std::ostringstream out;
  return std::string(RunLoss(Options(), in, out).message());
}

// Where the policy sampled by itself all ratios are 1: the loss is the mean of the negative
// advantages, which here are 1 and -1 over the root of 2.
TEST(LossCommandTest, IsTheMeanNegativeAdvantageOfThePolicysOwnCompletions) {
  const json record = Loss(Options(), kTwoGroups);
  const double advantage = 0.5 / (std::sqrt(0.5) + 1e-4);
  EXPECT_NEAR(record["loss"], -advantage * (3 - 1 - 2 + 4) / 10, 1e-6);
  EXPECT_GT(record["grad_norm"], 0.01);
  EXPECT_EQ(record["tokens"], 10);
  EXPECT_EQ(record["completions"], 4);
  EXPECT_NEAR(record["ratio_mean"], 1, 1e-6);
}

TEST(LossCommandTest, TheTokenBudgetChangesNoMoreThanRounding) {
  LossOptions options = Options();
  const json whole = Loss(options, kTwoGroups);
  options.micro_batch_tokens = 1;
  const json parts = Loss(options, kTwoGroups);
  EXPECT_NEAR(parts["loss"], whole["loss"], 1e-6);
  EXPECT_NEAR(parts["grad_norm"].get<double>() / whole["grad_norm"].get<double>(), 1, 1e-6);
}

TEST(LossCommandTest, TakesAdvantagesAndLogprobsAsTheyAre) {
  // The second token's ratio is far above its bound: it has no gradient, but counts in the loss.
  const json record =
      Loss(Options(), R"({"group": 0, "prompt": [1], "completion": [2, 3], "advantage": 2,)"
                      R"( "behavior_logprobs": [-1e-9, -30]})");
  EXPECT_EQ(record["clipped_high"], 1);
  EXPECT_LT(record["loss"], -1.28 + 1e-6);
}

TEST(LossCommandTest, NamesTheLineThatItCannotUse) {
  EXPECT_THAT(Message(""), HasSubstr("expected a completion a line"));
  EXPECT_THAT(Message("\n[]"), HasSubstr("standard input:2: expected an object"));
  EXPECT_THAT(Message(R"({"group": 0, "prompt": [1], "completion": [99999], "reward": 1})"),
              HasSubstr("\"completion\": expected token ids from 0 to"));
  EXPECT_THAT(Message(R"({"group": 0, "prompt": [], "completion": [1], "reward": 1})"),
              HasSubstr("need a token each"));
  EXPECT_THAT(Message(R"({"prompt": [1], "completion": [1], "reward": 1})"),
              HasSubstr("\"group\" must be an integer"));
  EXPECT_THAT(Message(R"({"group": 0, "prompt": [1], "completion": [1]})"),
              HasSubstr("either \"reward\" or \"advantage\""));
  EXPECT_THAT(Message(R"({"group": 0, "prompt": [1], "completion": [1], "reward": 1e999})"),
              HasSubstr("standard input:1:"));
  EXPECT_THAT(Message(R"({"group": 0, "prompt": [1], "completion": [1], "reward": 1,)"
                      R"( "behavior_logprobs": [1, 2]})"),
              HasSubstr("must be a list of 1 numbers"));
  EXPECT_THAT(Message("{\"group\": 0, \"prompt\": [1], \"completion\": [1], \"reward\": 1}\n"
                      "{\"group\": 0, \"prompt\": [1], \"completion\": [1], \"advantage\": 1}"),
              HasSubstr("standard input:2: has other keys than the first line"));
}

TEST(LossCommandTest, NeedsTheReferenceOfADivergence) {
  LossOptions options = Options();
  options.objective.kl_coef = 0.1;
  std::istringstream in(kTwoGroups);
  std::ostringstream out;
  EXPECT_THAT(std::string(RunLoss(options, in, out).message()), HasSubstr("reference_logprobs"));
}

}  // namespace
}  // namespace grpo
