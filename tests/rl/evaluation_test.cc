#include "rl/evaluation.h"

#include <cmath>

#include <gtest/gtest.h>

#include "data/random.h"
#include "rl/evaluation_json.h"

namespace grpo {
namespace {

Evaluation Results(const std::vector<int>& correct, int samples) {
  Evaluation evaluation;
  for (size_t i = 0; i < correct.size(); ++i) {
    evaluation.problems.push_back({i % 2 == 0 ? "even" : "odd", correct[i], samples, 0, 0, 10});
  }
  return evaluation;
}

TEST(EvaluationTest, PassRateIsTheMeanOverProblemsOrThoseOfAFamily) {
  const Evaluation evaluation = Results({4, 0, 2, 1}, 4);
  EXPECT_DOUBLE_EQ(evaluation.PassRate(), 7.0 / 16);
  EXPECT_DOUBLE_EQ(evaluation.PassRate("even"), 6.0 / 8);
  EXPECT_DOUBLE_EQ(evaluation.PassRate("odd"), 1.0 / 8);
  EXPECT_EQ(evaluation.PassRate("none"), 0);
  EXPECT_EQ(evaluation.Families(), (std::vector<std::string>{"even", "odd"}));
}

TEST(ChangeIntervalTest, PairsTheProblemsSoThatTheirDifficultyDoesNotWidenIt) {
  RandomStream random(3, 1);
  std::vector<int> before(100), after(100);
  for (int i = 0; i < 100; ++i) {
    before[i] = static_cast<int>(random.Below(7));
    after[i] = before[i] + static_cast<int>(random.Below(2));  // as hard as it was, a little better
  }
  const Evaluation old = Results(before, 8), now = Results(after, 8);
  const Interval change = ChangeInterval(old, now, ""), rate = PassRateInterval(now, "");
  EXPECT_GT(change.low, 0.04);
  EXPECT_LT(change.high, 0.09);
  EXPECT_GT(rate.high - rate.low, 2.5 * (change.high - change.low));
  EXPECT_LT(ChangeInterval(now, old, "").high, -0.04);
}

TEST(EvaluationJsonTest, ReadsBackWhatItWroteAndRefusesWhatDoesNotFit) {
  const Evaluation evaluation = Results({4, 0, 2}, 4);
  const auto back = EvaluationFromJson(EvaluationToJson(evaluation), "state.json");
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(EvaluationToJson(*back), EvaluationToJson(evaluation));
  for (const char* text :
       {"{}", "[1]", "[[1,2,3,4,5,6]]", R"([["a",1,2,3,4]])", R"([["a",1,2,3,4,"x"]])"}) {
    const auto refused = EvaluationFromJson(nlohmann::ordered_json::parse(text), "state.json");
    ASSERT_FALSE(refused.ok()) << text;
    EXPECT_NE(refused.status().message().find("state.json"), absl::string_view::npos);
  }
}

}  // namespace
}  // namespace grpo
