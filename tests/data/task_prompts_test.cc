#include "data/task_prompts.h"

#include <map>
#include <set>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace grpo {
namespace {

using testing::HasSubstr;

TaskPromptsOptions Options() {
  TaskPromptsOptions options;
  options.mixture = {{"addition", 1, 3}, {"sorting", 2, 1}, {"countdown", 1, 0}};
  options.seed = 5;
  return options;
}

std::unique_ptr<TaskPrompts> Make(const TaskPromptsOptions& options) {
  auto prompts = TaskPrompts::Create(options);
  EXPECT_TRUE(prompts.ok()) << prompts.status();
  return *std::move(prompts);
}

std::vector<Prompt> Take(PromptSource& source, int count) {
  auto prompts = source.Next(count);
  EXPECT_TRUE(prompts.ok()) << prompts.status();
  return *std::move(prompts);
}

std::vector<Prompt> First(const TaskPromptsOptions& options, int count) {
  return Take(*Make(options), count);
}

std::vector<std::string> Texts(const std::vector<Prompt>& prompts) {
  std::vector<std::string> texts;
  for (const Prompt& prompt : prompts) {
    texts.push_back(absl::StrCat(prompt.id, " ", prompt.name, " ", prompt.text, " ", prompt.answer,
                                 " ", prompt.demonstration));
  }
  return texts;
}

TEST(TaskPromptsTest, FillsEveryFieldOfAPrompt) {
  const auto prompts = First(Options(), 40);
  for (size_t i = 0; i < prompts.size(); ++i) {
    const Prompt& prompt = prompts[i];
    EXPECT_EQ(prompt.id, i);
    EXPECT_EQ(prompt.name,
              absl::StrCat(prompt.family, prompt.family == "addition" ? "/1/" : "/2/", i));
    EXPECT_TRUE(absl::StartsWith(prompt.demonstration, "<think>"));
    EXPECT_THAT(prompt.demonstration,
                HasSubstr(absl::StrCat("</think><answer>", prompt.answer, "</answer>")));
    EXPECT_EQ(prompt.metadata_json, "{}");
  }
}

TEST(TaskPromptsTest, DrawsFamiliesByWeight) {
  std::map<std::string, int> counts;
  for (const Prompt& prompt : First(Options(), 4000)) ++counts[prompt.family];
  EXPECT_NEAR(counts["addition"], 3000, 120);
  EXPECT_NEAR(counts["sorting"], 1000, 120);
  EXPECT_EQ(counts["countdown"], 0);
}

TEST(TaskPromptsTest, ContinuesFromItsCursorWithTheVeryNextPrompt) {
  const auto all = Texts(First(Options(), 30));
  auto first = Make(Options());
  ASSERT_TRUE(first->Next(11).ok());
  EXPECT_EQ(first->Cursor(), "{\"draw\":11}");
  auto second = Make(Options());
  ASSERT_TRUE(second->Restore(first->Cursor()).ok());
  EXPECT_EQ(Texts(Take(*second, 19)), std::vector<std::string>(all.begin() + 11, all.end()));
}

TEST(TaskPromptsTest, RefusesACursorThatIsNone) {
  auto prompts = Make(Options());
  for (const char* cursor : {"", "7", "{}", "{\"draw\":-1}", "{\"draw\":\"3\"}", "{\"draw\":1.5}",
                             "{\"draw\":1,\"epoch\":2}", "{\"draw\":"}) {
    const absl::Status status = prompts->Restore(cursor);
    EXPECT_FALSE(status.ok()) << cursor;
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected {\"draw\": number}"));
  }
}

TEST(TaskPromptsTest, DealsTheDrawsOutAmongTheRanks) {
  const auto all = Texts(First(Options(), 30));
  for (int rank = 0; rank < 3; ++rank) {
    TaskPromptsOptions options = Options();
    options.rank = rank;
    options.world_size = 3;
    auto prompts = Make(options);
    const auto mine = Texts(Take(*prompts, 10));
    for (int i = 0; i < 10; ++i) EXPECT_EQ(mine[i], all[3 * i + rank]);
    EXPECT_EQ(prompts->Cursor(), "{\"draw\":30}");
  }
}

TEST(TaskPromptsTest, GuessesInTheWantedShareOfDemonstrations) {
  TaskPromptsOptions options = Options();
  options.hasty_share = 0.3;
  int hasty = 0;
  const auto prompts = First(options, 3000);
  const auto worked = First(Options(), 3000);
  for (size_t i = 0; i < prompts.size(); ++i) {
    EXPECT_EQ(prompts[i].text, worked[i].text);
    hasty += absl::StartsWith(prompts[i].demonstration, "<think>I guess.</think><answer>");
  }
  EXPECT_NEAR(hasty, 900, 90);
}

TEST(TaskPromptsTest, NeverTrainsOnAHeldOutProblem) {
  std::set<std::string> held_out;
  const auto problems = HeldOutProblems(Options().mixture, 300, 1);
  ASSERT_TRUE(problems.ok());
  for (const Prompt& prompt : *problems) held_out.insert(prompt.text);
  for (const Prompt& prompt : First(Options(), 20000)) {
    ASSERT_EQ(held_out.count(prompt.text), 0u) << prompt.text;
  }
}

TEST(TaskPromptsTest, RefusesAnUnusableMixture) {
  const auto message = [](const TaskPromptsOptions& options) {
    return std::string(TaskPrompts::Create(options).status().message());
  };
  TaskPromptsOptions options = Options();
  options.mixture[1].family = "additon";
  EXPECT_THAT(message(options),
              HasSubstr("unknown family \"additon\"; the families are addition,"));
  options = Options();
  options.mixture[0].level = 99;
  EXPECT_THAT(message(options), HasSubstr("addition has levels 1 to 9, found 99"));
  options = Options();
  options.mixture[0].weight = -1;
  EXPECT_THAT(message(options), HasSubstr("expected a weight"));
  options.mixture = {};
  EXPECT_THAT(message(options), HasSubstr("none with a weight above 0"));
  options = Options();
  options.rank = 1;
  EXPECT_THAT(message(options), HasSubstr("rank 1 of 1"));
  options = Options();
  options.hasty_share = 1.5;
  EXPECT_THAT(message(options), HasSubstr("hasty_share"));
}

TEST(HeldOutProblemsTest, GivesDifferentProblemsInProportionToTheWeights) {
  const auto problems = HeldOutProblems(Options().mixture, 200, 7);
  ASSERT_TRUE(problems.ok());
  std::set<std::string> texts;
  std::map<std::string, int> counts;
  for (const Prompt& prompt : *problems) {
    texts.insert(prompt.text);
    ++counts[prompt.family];
  }
  EXPECT_EQ(texts.size(), 200u);
  EXPECT_EQ(counts["addition"], 150);
  EXPECT_EQ(counts["sorting"], 50);
  EXPECT_EQ(Texts(*problems), Texts(*HeldOutProblems(Options().mixture, 200, 7)));
}

TEST(HeldOutProblemsTest, GivesEightyOfEachFamilyAtTheFirstLevel) {
  std::vector<TaskShare> mixture;
  for (const TaskFamily* family : TaskFamilies()) {
    mixture.push_back({std::string(family->name()), 1, 1});
  }
  EXPECT_TRUE(HeldOutProblems(mixture, 640, 1).ok());
}

TEST(HeldOutProblemsTest, SaysWhichFamilyIsUsedUp) {
  const auto problems = HeldOutProblems({{"countdown", 1, 1}}, 100000, 1);
  ASSERT_FALSE(problems.ok());
  EXPECT_THAT(std::string(problems.status().message()),
              HasSubstr("countdown at level 1 has no more different held-out problems"));
}

}  // namespace
}  // namespace grpo
