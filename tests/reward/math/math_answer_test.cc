#include "reward/math/math_answer.h"

#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::HasSubstr;

RewardResult Judged(const std::string& truth, const std::string& completion,
                    const std::string& extract = "completion") {
  MathAnswerOptions options;
  options.extract = extract;
  Prompt prompt;
  prompt.name = "test/1";
  prompt.answer = truth;
  return NewMathAnswer(options)->Score({prompt, completion}, Deadline::Never());
}

TEST(MathAnswerTest, PaysForTheRightAnswerAndSaysWhy) {
  const RewardResult right = Judged("\\frac{1}{2}", "Half of it, so \\boxed{0.5}.");
  EXPECT_EQ(right.state, RewardState::kScored);
  EXPECT_EQ(right.score, 1);
  EXPECT_EQ(right.reason, "answer 0.5 (box) equals \\frac{1}{2}: the same number");
  const RewardResult wrong = Judged("\\frac{1}{2}", "\\boxed{2}");
  EXPECT_EQ(wrong.score, 0);
  EXPECT_THAT(wrong.reason, HasSubstr("answer 2 (box) is not"));
  EXPECT_EQ(Judged("3", "").score, 0);
  EXPECT_EQ(Judged("3", "\\boxed{}").score, 0);
}

TEST(MathAnswerTest, IsInvalidWithoutAReadableTruth) {
  for (const std::string& truth :
       {std::string(), std::string(" "), std::string("\\frac{1}{"), std::string(70000, '1')}) {
    const RewardResult result = Judged(truth, "\\boxed{1}");
    EXPECT_EQ(result.state, RewardState::kInvalid) << truth.substr(0, 20);
    EXPECT_THAT(result.reason, HasSubstr("test/1"));
  }
}

TEST(MathAnswerTest, ReadsATruthThatIsAWholeSolution) {
  EXPECT_EQ(Judged("Adding gives $3+4=\\boxed{7}$.", "\\boxed{7}").score, 1);
  EXPECT_EQ(Judged("He has 3 and 4 more.\n#### 7", "\\boxed{7}").score, 1);
}

TEST(MathAnswerTest, LooksOnlyWhereItIsTold) {
  EXPECT_EQ(Judged("7", "the answer is 7").score, 1);
  EXPECT_EQ(Judged("7", "the answer is 7", "boxed").score, 0);
  EXPECT_EQ(Judged("7", "\\boxed{7}", "answer_tag").score, 0);
  EXPECT_EQ(Judged("7", "\\boxed{8} <answer>7</answer>", "answer_tag").score, 1);
  EXPECT_EQ(Judged("7", "7", "none").score, 1);
  EXPECT_EQ(Judged("7", "the answer is 7", "none").score, 0);
}

TEST(MathAnswerTest, CannotBeFooledByHedging) {
  EXPECT_EQ(Judged("42", "\\boxed{1}\\boxed{2}\\boxed{42}").score, 0);
  EXPECT_EQ(Judged("42", "\\boxed{\\text{41 or 42}}").score, 0);
  EXPECT_EQ(Judged("42", "\\boxed{42=42}").score, 0);
  EXPECT_EQ(Judged("42", "<think>\\boxed{42}</think> I do not know.").score, 0);
  EXPECT_EQ(Judged("42", "\\boxed{\\text{the correct answer}}").score, 0);
}

TEST(MathAnswerTest, ScoresFromManyThreads) {
  const auto checker = NewMathAnswer(MathAnswerOptions());
  std::vector<std::thread> threads;
  std::vector<int> right(4);
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 200; ++i) {
        Prompt prompt;
        prompt.answer = std::to_string(i % 20);
        const std::string completion = "\\boxed{" + prompt.answer + ".0}";
        right[t] += static_cast<int>(checker->Score({prompt, completion}, Deadline::Never()).score);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(right, std::vector<int>(4, 200));
}

}  // namespace
}  // namespace grpo
