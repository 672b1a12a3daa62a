#include "rl/eval/suite_run.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "data/file.h"
#include "rl/eval/result_table.h"
#include "tests/data/scratch_folder.h"
#include "tests/rollout/small_engine.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;

constexpr char kSuite[] = R"(
name = "sums"
title = "Sums"
samples = 3
pass_at = [2]
[data]
file = "sums.jsonl"
origin = "here"
licence = "CC0"
[record]
prompt = "{{ question }}"
answer = "{{ answer }}"
family = "{{ family }}"
[[reward]]
name = "math_answer"
[sampling]
temperature = 1.0
max_new_tokens = 12
)";

class SuiteRunTest : public testing::Test {
 protected:
  SuiteRunTest() : suite_(*ParseSuite(kSuite, "sums.toml", {})) {
    for (int i = 0; i < 9; ++i) {
      Prompt problem;
      problem.id = i;
      problem.name = absl::StrCat("sum ", i);
      problem.family = i % 2 == 0 ? "even" : "odd";
      problem.text = absl::StrCat("Compute ", i, "+1.");
      problem.answer = absl::StrCat(i + 1);
      problems_.push_back(problem);
    }
  }

  absl::StatusOr<absl::optional<SuiteResult>> Run(const std::string& name,
                                                  const EngineLimits& limits = {}, int rank = 0,
                                                  int ranks = 1, uint64_t seed = 1) {
    SuiteRunOptions options;
    options.folder = folder_.Path(name);
    options.seed = seed;
    options.rank = rank;
    options.ranks = ranks;
    const SuiteResult head =
        SuiteHead(suite_, "digest", "policy", "weights", static_cast<int64_t>(seed));
    return RunSuite(suite_, problems_, head, weights_, SmallEngine(limits), options);
  }

  // Of each problem these completions, the last problem first.
  static std::string CompletionsOfEach(const std::vector<std::string>& texts) {
    std::string lines;
    for (int i = 8; i >= 0; --i) {
      for (const std::string& text : texts) {
        lines += absl::StrCat("{\"id\": \"sum ", i, "\", \"completion\": \"", text, "\"}\n");
      }
    }
    return lines;
  }

  absl::StatusOr<SuiteResult> Judge(const std::string& completions) {
    const std::string file = folder_.Path("completions.jsonl");
    EXPECT_TRUE(WriteFileAtomically(file, completions).ok());
    SuiteRunOptions options;
    options.folder = folder_.Path("judged");
    return JudgeCompletions(suite_, problems_, SuiteHead(suite_, "digest", file, "file", 0), file,
                            options);
  }

  std::string ResultOf(const std::string& name) {
    const auto text = ReadFile(folder_.Path(name + "/result.json"));
    EXPECT_TRUE(text.ok()) << text.status();
    return text.value_or("");
  }

  const Weights weights_ = SmallWeights("deepseek_v3");
  const SuiteConfig suite_;
  std::vector<Prompt> problems_;
  ScratchFolder folder_;
};

TEST_F(SuiteRunTest, GivesTheSameBytesForAnyBatchAnyThreadsAndAnyNumberOfRanks) {
  const auto result = Run("one", {.threads = 1, .max_sequences = 1});
  ASSERT_TRUE(result.ok()) << result.status();
  ASSERT_TRUE(result->has_value());
  ASSERT_EQ((*result)->problems.size(), 9);
  EXPECT_EQ((*result)->problems[3].id, "sum 3");
  EXPECT_EQ((*result)->problems[3].correct.size(), 3);
  EXPECT_GT((*result)->problems[3].tokens, 0);
  ASSERT_TRUE(Run("many", {.threads = 2, .max_sequences = 64}).ok());
  EXPECT_EQ(ResultOf("many"), ResultOf("one"));
  const auto first = Run("ranks", {}, 1, 2);
  ASSERT_TRUE(first.ok()) << first.status();
  EXPECT_FALSE(first->has_value());  // the other one's problems are missing
  const auto second = Run("ranks", {}, 0, 2);
  ASSERT_TRUE(second.ok() && second->has_value()) << second.status();
  EXPECT_EQ(ResultOf("ranks"), ResultOf("one"));
}

TEST_F(SuiteRunTest, GivesTheSameBytesAfterKills) {
  ASSERT_TRUE(Run("whole").ok());
  const std::string samples = *ReadFile(folder_.Path("whole/samples-0-of-1.jsonl"));
  ASSERT_TRUE(Run("killed").ok());
  for (const double share : {0.1, 0.5, 0.95}) {
    const std::string name = folder_.Path("killed/samples-0-of-1.jsonl");
    const std::string there = *ReadFile(name);
    ASSERT_TRUE(
        WriteFileAtomically(name, there.substr(0, static_cast<size_t>(share * there.size()))).ok());
    ASSERT_TRUE(RemoveTree(folder_.Path("killed/result.json")).ok());
    const auto result = Run("killed");
    ASSERT_TRUE(result.ok()) << result.status();
    EXPECT_EQ(ResultOf("killed"), ResultOf("whole"));
    EXPECT_EQ(ReadFile(name)->size(), samples.size());
  }
}

TEST_F(SuiteRunTest, DoesNotSampleAgainWhatIsDone) {
  ASSERT_TRUE(Run("done").ok());
  const std::string samples = *ReadFile(folder_.Path("done/samples-0-of-1.jsonl"));
  const auto again = Run("done");
  ASSERT_TRUE(again.ok() && again->has_value());
  EXPECT_EQ(*ReadFile(folder_.Path("done/samples-0-of-1.jsonl")), samples);
  EXPECT_FALSE(Run("done", {}, 0, 1, /*seed=*/2).ok());  // another evaluation
}

TEST_F(SuiteRunTest, JudgesCompletionsFromElsewhere) {
  const std::string lines = CompletionsOfEach({"So it is \\\\boxed{5}.", ""});
  const auto result = Judge(lines);
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->samples, 2);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(result->problems[i].Rate(), i == 4 ? 0.5 : 0);
  const auto error = [&](const std::string& bytes) {
    return std::string(Judge(bytes).status().message());
  };
  EXPECT_THAT(error(lines + "{\"id\": \"sum 4\", \"completion\": \"\"}\n"),
              HasSubstr("3 completions of problem \"sum 4\", and 2 of the first"));
  EXPECT_THAT(error("{\"id\": \"sum 9\", \"completion\": \"\"}\n"),
              HasSubstr("completions.jsonl:1: the suite has no problem \"sum 9\""));
  EXPECT_THAT(error("{\"id\": \"sum 4\"}\n"), HasSubstr("completions.jsonl:1"));
}

TEST_F(SuiteRunTest, AnswersVoteAndRightOnesAreOneHoweverTheyAreWritten) {
  const auto result = Judge(CompletionsOfEach(
      {"\\\\boxed{10/2}", "\\\\boxed{7}", "", "\\\\boxed{5}", "\\\\boxed{7}", "\\\\boxed{5.0}"}));
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->problems[4].answers, (std::vector<int>{0, 1, -1, 0, 1, 0}));
  const std::vector<int> wrong = result->problems[5].answers;  // 6: none is right
  EXPECT_EQ(wrong[1], wrong[4]);
  EXPECT_NE(wrong[0], wrong[3]);  // wrong answers are told apart by how they are written
  const TableRows table = ResultTable(suite_, *result);
  const auto column = std::find(table[0].begin(), table[0].end(), "maj@6") - table[0].begin();
  ASSERT_LT(column, static_cast<int>(table[0].size()));
  // Problems 4, where 5 is right, and 6, where 7 is: the latter's answer has two votes of five,
  // which three others, each written in its own way, have one of.
  EXPECT_EQ(table.back()[column], "22.2 %");
  EXPECT_EQ(std::count(table[0].begin(), table[0].end(), "maj@2"), 1);
}

TEST_F(SuiteRunTest, WritesAPageThatHoldsEverySampleAndNoForeignMarkup) {
  problems_[3].text = "Is </script><b>1</b> bold?";
  ASSERT_TRUE(Run("page").ok());
  const std::string page = *ReadFile(folder_.Path("page/page.html"));
  EXPECT_THAT(page, HasSubstr("\\u003c/script>\\u003cb>1"));
  EXPECT_EQ(page.find("<b>1"), std::string::npos);
  EXPECT_EQ(page.find("@DATA@"), std::string::npos);
  const size_t begin = page.find("application/json\">") + 18;
  const auto data =
      nlohmann::json::parse(page.substr(begin, page.find("</script>", begin) - begin));
  EXPECT_EQ(data["problems"].size(), 9);
  EXPECT_EQ(data["problems"][8]["samples"].size(), 3);
}

TEST_F(SuiteRunTest, StopsWhenItIsInterrupted) {
  const std::atomic<bool> interrupted{true};
  SuiteRunOptions options;
  options.folder = folder_.Path("stopped");
  options.cancelled = &interrupted;
  const SuiteResult head = SuiteHead(suite_, "digest", "policy", "weights", 1);
  const auto result = RunSuite(suite_, problems_, head, weights_, SmallEngine({}), options);
  EXPECT_TRUE(absl::IsCancelled(result.status())) << result.status();
}

}  // namespace
}  // namespace grpo
