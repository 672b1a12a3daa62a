#include <gtest/gtest.h>

#include "data/task.h"
#include "tests/reward/request.h"

namespace grpo {
namespace {

Prompt ToPrompt(const TaskProblem& problem) {
  Prompt prompt = PromptWithAnswer(problem.answer);
  prompt.metadata_json = problem.metadata_json;
  return prompt;
}

TEST(TaskAnswerTest, AgreesWithEveryFamilyAboutItsAnswersAndGuesses) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int level = 1; level <= family->max_level(); ++level) {
      for (int i = 0; i < 200; ++i) {
        RandomStream random(level, i);
        const TaskProblem problem = family->Generate(level, random);
        const Prompt prompt = ToPrompt(problem);
        EXPECT_EQ(
            Judge(Spec("task_answer"), prompt, "<answer>" + problem.answer + "</answer>").score, 1)
            << problem.question;
        EXPECT_EQ(
            Judge(Spec("task_answer"), prompt, "<answer>" + problem.guess + "</answer>").score,
            problem.guess == problem.answer ? 1 : 0)
            << problem.question;
      }
    }
  }
}

TEST(TaskAnswerTest, JudgesACountdownByItsMetadataAndAnythingElseByTheAnswer) {
  Prompt prompt = PromptWithAnswer("7-3");
  prompt.metadata_json = "{\"numbers\":[7,3],\"target\":10}";
  EXPECT_EQ(Judge(Spec("task_answer"), prompt, "<answer>3+7</answer>").score, 1);
  EXPECT_EQ(Judge(Spec("task_answer"), prompt, "<answer>7-3</answer>").score, 0);
  prompt.metadata_json = "{\"numbers\":[7,3]}";
  EXPECT_EQ(Judge(Spec("task_answer"), prompt, "<answer>7-3</answer>").score, 1);
  prompt.metadata_json = "";
  EXPECT_EQ(Judge(Spec("task_answer"), prompt, "<answer>7-3</answer>").score, 1);
}

}  // namespace
}  // namespace grpo
