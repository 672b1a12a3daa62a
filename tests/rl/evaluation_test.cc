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

TEST(ChangeIntervalTest, CoversTheTrueChangeAboutNinetyFiveTimesInAHundred) {
  RandomStream random(3, 1);
  int covered = 0;
  const int trials = 2000;
  for (int trial = 0; trial < trials; ++trial) {
    std::vector<int> before(100), after(100);
    for (int i = 0; i < 100; ++i) {
      const double skill =
          random.Uniform();  // of the problem: completions of one problem are alike
      for (int s = 0; s < 8; ++s) {
        before[i] += random.Uniform() < 0.5 * skill;
        after[i] += random.Uniform() < 0.5 * skill + 0.2;
      }
    }
    const Interval interval = ChangeInterval(Results(before, 8), Results(after, 8), "");
    covered += interval.low <= 0.2 && 0.2 <= interval.high;
  }
  EXPECT_NEAR(static_cast<double>(covered) / trials, 0.95, 0.02);
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
