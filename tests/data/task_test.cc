#include "data/task.h"

#include <algorithm>
#include <set>
#include <tuple>

#include <gtest/gtest.h>

namespace grpo {
namespace {

constexpr int kProblems = 2000;

std::string Show(const TaskFamily& family, int level) {
  return std::string(family.name()) + " level " + std::to_string(level);
}

auto Fields(const TaskProblem& p) {
  return std::tie(p.question, p.reasoning, p.answer, p.guess, p.metadata_json, p.canonical);
}

TEST(TaskFamilyTest, HasTheEightFamiliesUnderDifferentNames) {
  std::set<absl::string_view> names;
  for (const TaskFamily* family : TaskFamilies()) {
    names.insert(family->name());
    EXPECT_EQ(FindTaskFamily(family->name()), family);
    EXPECT_GE(family->max_level(), 3);
    EXPECT_FALSE(family->description().empty());
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_EQ(FindTaskFamily("no such family"), nullptr);
}

TEST(TaskFamilyTest, IsAPureFunctionOfLevelAndStream) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int level = 1; level <= family->max_level(); ++level) {
      RandomStream a(3, level), b(3, level), other(4, level);
      const TaskProblem first = family->Generate(level, a);
      EXPECT_EQ(Fields(first), Fields(family->Generate(level, b)));
      bool differs = false;
      for (int i = 0; i < 5; ++i) {
        differs = differs || family->Generate(level, other).question != first.question;
      }
      EXPECT_TRUE(differs) << Show(*family, level);
    }
  }
}

TEST(TaskFamilyTest, GuessesWrongInAtLeastNineOfTenProblems) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int level = 1; level <= family->max_level(); ++level) {
      int right = 0;
      for (int i = 0; i < kProblems; ++i) {
        RandomStream random(11, i);
        const TaskProblem problem = family->Generate(level, random);
        EXPECT_FALSE(problem.guess.empty());
        right += problem.guess == problem.answer;
      }
      EXPECT_LE(right, kProblems / 10) << Show(*family, level);
    }
  }
}

TEST(TaskFamilyTest, GrowsWithTheLevel) {
  for (const TaskFamily* family : TaskFamilies()) {
    size_t previous = 0;
    for (int level = 1; level <= family->max_level(); ++level) {
      size_t bytes = 0;
      for (int i = 0; i < kProblems; ++i) {
        RandomStream random(12, i);
        const TaskProblem problem = family->Generate(level, random);
        bytes += problem.question.size() + problem.reasoning.size();
      }
      EXPECT_GT(bytes, previous) << Show(*family, level);
      previous = bytes;
    }
  }
}

TEST(TaskFamilyTest, HasShortTracesAtTheFirstLevel) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int i = 0; i < kProblems; ++i) {
      RandomStream random(13, i);
      EXPECT_LE(family->Generate(1, random).reasoning.size(), 60u) << family->name();
    }
  }
}

TEST(TaskFamilyTest, HasAtLeastTwoThousandDifferentProblemsAtEveryLevel) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int level = 1; level <= family->max_level(); ++level) {
      std::set<std::string> questions;
      for (int i = 0; i < 40000 && questions.size() < 2000; ++i) {
        RandomStream random(14, i);
        questions.insert(family->Generate(level, random).question);
      }
      EXPECT_GE(questions.size(), 2000u) << Show(*family, level);
    }
  }
}

TEST(TaskSplitTest, HoldsOutAboutOneProblemInEight) {
  for (const TaskFamily* family : TaskFamilies()) {
    std::set<std::string> all, held_out;
    for (int i = 0; i < 8000; ++i) {
      RandomStream random(15, i);
      const std::string canonical = family->Generate(2, random).canonical;
      all.insert(canonical);
      if (SplitOf(family->name(), canonical) == TaskSplit::kHeldOut) held_out.insert(canonical);
    }
    const double share = static_cast<double>(held_out.size()) / static_cast<double>(all.size());
    EXPECT_NEAR(share, 0.125, 0.04) << family->name();
  }
}

TEST(TaskSplitTest, DependsOnFamilyAndProblemAlone) {
  EXPECT_EQ(SplitOf("addition", "12+34"), SplitOf("addition", "12+34"));
  int different = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::string problem = std::to_string(i);
    different += SplitOf("addition", problem) != SplitOf("subtraction", problem);
  }
  EXPECT_GT(different, 100);
}

// A split that changes would let a policy train on what it was to be measured with.
TEST(TaskSplitTest, StaysAsItIsFromVersionToVersion) {
  std::string held_out;
  for (int i = 0; i < 40; ++i) {
    const bool is_held_out = SplitOf("addition", std::to_string(i)) == TaskSplit::kHeldOut;
    held_out += is_held_out ? 'x' : '.';
  }
  EXPECT_EQ(held_out, ".x......................x.x........x....");
}

TEST(TaskSplitTest, GivesOnlyProblemsOfTheWantedSplitAndNoneInBoth) {
  for (const TaskFamily* family : TaskFamilies()) {
    for (int level = 1; level <= family->max_level(); ++level) {
      std::set<std::string> train, held_out;
      for (int i = 0; i < 500; ++i) {
        RandomStream a(16, i), b(17, i);
        train.insert(GenerateInSplit(*family, level, TaskSplit::kTrain, a).canonical);
        held_out.insert(GenerateInSplit(*family, level, TaskSplit::kHeldOut, b).canonical);
      }
      std::vector<std::string> both;
      std::set_intersection(train.begin(), train.end(), held_out.begin(), held_out.end(),
                            std::back_inserter(both));
      EXPECT_TRUE(both.empty()) << Show(*family, level) << ": " << both.front();
    }
  }
}

}  // namespace
}  // namespace grpo
