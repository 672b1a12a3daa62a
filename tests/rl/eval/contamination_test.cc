#include "rl/eval/contamination.h"

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr char kAsk[] = "\nPut the answer of this problem at the very end, in a box of your own.";

Prompt Problem(const std::string& id, const std::string& text, const std::string& solution = "") {
  Prompt problem;
  problem.name = id;
  problem.text = text;
  problem.demonstration = solution;
  return problem;
}

std::vector<Prompt> Problems() {
  return {
      Problem("apples", absl::StrCat("Ann has twelve red apples and gives five of them to Bob, who "
                                     "eats two. How many are left?",
                                     kAsk)),
      Problem("train",
              absl::StrCat("A train leaves the old station at nine and drives for three "
                           "hours at eighty kilometres an hour.",
                           kAsk),
              "Three hours at eighty kilometres each make two hundred and forty kilometres."),
      Problem("short", absl::StrCat("Compute 17 times 23", kAsk)),
      Problem("tiny", absl::StrCat("1+1", kAsk))};
}

std::vector<std::string> IdsFound(const OverlapFinder& finder) {
  std::vector<std::string> ids;
  for (const OverlappingProblem& problem : finder.Found()) ids.push_back(problem.id);
  return ids;
}

TEST(OverlapFinderTest, FindsAProblemWhateverItsCaseAndMarks) {
  OverlapFinder finder(Problems(), 10);
  finder.Look("Q: ANN has twelve red apples, and gives five of them... to Carl!", "train.jsonl:7");
  const std::vector<OverlappingProblem> found = finder.Found();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].id, "apples");
  EXPECT_EQ(found[0].where, "train.jsonl:7");
  EXPECT_EQ(found[0].passage, "ann has twelve red apples and gives five of them to");
  EXPECT_DOUBLE_EQ(found[0].share, 2 / 10.0);  // 11 of its 19 words, so 2 of 10 sequences
}

TEST(OverlapFinderTest, AWholeProblemIsAllOfItsSequences) {
  const std::vector<Prompt> problems = Problems();
  OverlapFinder finder(problems, 10);
  finder.Look(problems[0].text, "a");
  ASSERT_EQ(finder.Found().size(), 1u);
  EXPECT_EQ(finder.Found()[0].share, 1);
}

TEST(OverlapFinderTest, TheSuitesInstructionsAreNoOverlap) {
  OverlapFinder finder(Problems(), 10);
  finder.Look(kAsk, "a");
  finder.Look(absl::StrCat("Something else altogether is asked in here by somebody.", kAsk), "b");
  EXPECT_THAT(IdsFound(finder), IsEmpty());
}

TEST(OverlapFinderTest, APhraseOfThreeProblemsIsNoOverlap) {
  const std::string phrase = " write a function that takes a list of whole numbers and returns ";
  std::vector<Prompt> problems;
  for (const char* task : {"their sum", "the largest", "how many are odd"}) {
    problems.push_back(Problem(task, absl::StrCat(task, " wanted:", phrase, task)));
  }
  OverlapFinder three(problems, 10);
  three.Look(phrase, "a");
  EXPECT_THAT(IdsFound(three), IsEmpty());
  problems.pop_back();
  OverlapFinder two(problems, 10);
  two.Look(phrase, "a");
  EXPECT_EQ(IdsFound(two).size(), 2u);
}

TEST(OverlapFinderTest, SolutionsCountToo) {
  OverlapFinder finder(Problems(), 10);
  finder.Look("three hours at eighty kilometres each make two hundred and forty", "a");
  EXPECT_THAT(IdsFound(finder), ElementsAre("train"));
}

TEST(OverlapFinderTest, AShortProblemIsLookedForAsAWholeAndAShorterOneNotAtAll) {
  OverlapFinder finder(Problems(), 10);
  EXPECT_EQ(finder.comparable(), 3);
  finder.Look("Compute 17 times 24. And 1+1.", "a");
  EXPECT_THAT(IdsFound(finder), IsEmpty());
  finder.Look("Please compute: 17 times 23!", "b");
  EXPECT_THAT(IdsFound(finder), ElementsAre("short"));
}

TEST(FindContaminationTest, LooksInEveryTextOfEveryRecordAndCountsThem) {
  const std::string path = TestFolder() + "/training.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, R"({"messages": [{"content": "compute 17 times 23 now"}]}
{"text": ""})")
                  .ok());
  const auto report = FindContamination(Problems(), {path}, 10);
  ASSERT_TRUE(report.ok()) << report.status();
  EXPECT_EQ(report->records, 2);
  EXPECT_EQ(report->problems, 4);
  EXPECT_DOUBLE_EQ(report->Share(), 0.25);
  EXPECT_EQ(ContaminationToJson(*report)["overlapping"][0]["where"], absl::StrCat(path, ":1"));
}

TEST(FindContaminationTest, ABadRecordIsAnErrorThatNamesIt) {
  const std::string path = TestFolder() + "/training.jsonl";
  ASSERT_TRUE(WriteFileAtomically(path, "{\"text\": \"a\"}\n{\"text\": \n").ok());
  EXPECT_THAT(FindContamination(Problems(), {path}, 10).status().message(), HasSubstr(":2"));
}

}  // namespace
}  // namespace grpo
