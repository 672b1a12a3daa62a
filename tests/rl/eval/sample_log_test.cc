#include "rl/eval/sample_log.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using nlohmann::ordered_json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class SampleLogTest : public testing::Test {
 protected:
  std::unique_ptr<SampleLog> Open(int rank = 0, int ranks = 1, int64_t problems = 6) {
    auto log = SampleLog::Open(Options(rank, ranks, problems));
    EXPECT_TRUE(log.ok()) << log.status();
    return *std::move(log);
  }

  SampleLogOptions Options(int rank = 0, int ranks = 1, int64_t problems = 6) {
    return {folder_.Path("log"), {{"suite", "sums"}, {"seed", 1}}, problems, 2, rank, ranks};
  }

  static void Add(SampleLog& log, int64_t problem) {
    EXPECT_TRUE(log.Add(problem, {{{"text", absl::StrCat("first of ", problem)}},
                                  {{"text", absl::StrCat("second of ", problem)}}})
                    .ok());
  }

  std::string Path(const std::string& name) { return folder_.Path("log/" + name); }

  static std::vector<std::string> Texts(const SampleLog& log) {
    std::vector<std::string> texts;
    EXPECT_TRUE(log.ForEachProblem([&](int64_t problem, const std::vector<ordered_json>& records) {
                     for (size_t i = 0; i < records.size(); ++i) {
                       EXPECT_EQ(records[i]["problem"], problem);
                       EXPECT_EQ(records[i]["sample"], i);
                       texts.push_back(records[i]["text"]);
                     }
                     return absl::OkStatus();
                   })
                    .ok());
    return texts;
  }

  ScratchFolder folder_;
};

TEST_F(SampleLogTest, GivesSamplesInTheOrderOfTheProblemsWhateverOrderTheyCameIn) {
  const auto log = Open(0, 1, 3);
  EXPECT_THAT(log->left(), ElementsAre(0, 1, 2));
  for (int64_t problem : {2, 0}) Add(*log, problem);
  EXPECT_FALSE(*log->Complete());
  Add(*log, 1);
  EXPECT_TRUE(*log->Complete());
  EXPECT_THAT(Texts(*log), ElementsAre("first of 0", "second of 0", "first of 1", "second of 1",
                                       "first of 2", "second of 2"));
}

TEST_F(SampleLogTest, GoesOnAfterAKillAtAnyByte) {
  {
    const auto log = Open();
    for (int64_t problem : {4, 1, 3}) Add(*log, problem);
  }
  const std::string name = Path("samples-0-of-1.jsonl");
  const std::string whole = *ReadFile(name);
  const size_t group = whole.size() / 3;
  for (size_t size = 0; size <= whole.size(); ++size) {
    ASSERT_TRUE(WriteFileAtomically(name, whole.substr(0, size)).ok());
    const auto log = Open();
    const size_t done = size / group;
    ASSERT_EQ(log->left().size(), 6 - done) << size;
    EXPECT_EQ(ReadFile(name)->size(), done * group) << size;
    for (int64_t problem : log->left()) Add(*log, problem);
    ASSERT_TRUE(*log->Complete()) << size;
    EXPECT_EQ(Texts(*log).size(), 12);
    EXPECT_THAT(Open()->left(), IsEmpty());
  }
}

TEST_F(SampleLogTest, RanksShareTheProblemsAndWhatAnyOfThemFinishedIsDone) {
  const auto even = Open(0, 2), odd = Open(1, 2);
  EXPECT_THAT(even->left(), ElementsAre(0, 2, 4));
  EXPECT_THAT(odd->left(), ElementsAre(1, 3, 5));
  std::thread other([&] {
    for (int64_t problem : odd->left()) Add(*odd, problem);
  });
  for (int64_t problem : {4, 0}) Add(*even, problem);
  other.join();
  EXPECT_FALSE(*odd->Complete());
  const auto third = Open(0, 1);  // another number of processes goes on
  EXPECT_THAT(third->left(), ElementsAre(2));
  Add(*third, 2);
  EXPECT_TRUE(*odd->Complete());
  EXPECT_EQ(Texts(*even), Texts(*third));
}

TEST_F(SampleLogTest, TakesSamplesFromManyThreads) {
  const auto log = Open(0, 1, 200);
  std::vector<std::thread> threads;
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      for (int64_t problem = thread; problem < 200; problem += 4) Add(*log, problem);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(*log->Complete());
  EXPECT_EQ(Texts(*log).size(), 400);
}

TEST_F(SampleLogTest, RefusesTheFolderOfAnotherEvaluation) {
  Open();
  SampleLogOptions options = Options();
  options.identity["seed"] = 2;
  EXPECT_THAT(std::string(SampleLog::Open(options).status().message()),
              AllOf(HasSubstr("evaluation.json"), HasSubstr("its \"seed\" is 1, this one's is 2")));
}

TEST_F(SampleLogTest, NamesALineThatIsNoSample) {
  {
    const auto log = Open();
    for (int64_t problem : {4, 1, 3}) Add(*log, problem);
  }
  const std::string name = Path("samples-0-of-1.jsonl");
  const std::string whole = *ReadFile(name);
  for (const char* line :
       {"{\"problem\": 1}\n", "no JSON\n", "\n", "{\"problem\": 60, \"sample\": 0}\n", "[]\n"}) {
    ASSERT_TRUE(WriteFileAtomically(name, whole + line).ok());
    EXPECT_THAT(std::string(SampleLog::Open(Options()).status().message()),
                HasSubstr("samples-0-of-1.jsonl:7: expected sample 0 of a problem"))
        << line;
  }
}

}  // namespace
}  // namespace grpo
