#include "rl/score_stream.h"

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <unistd.h>

#include "data/check.h"
#include "data/file.h"
#include "reward/group_reward.h"
#include "tests/data/scratch_folder.h"

namespace grpo {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class FakeReward : public Reward {
 public:
  using Function = std::function<RewardResult(const RewardRequest&)>;
  explicit FakeReward(Function function) : function_(std::move(function)) {}
  absl::string_view name() const override { return "fake"; }
  RewardResult Score(const RewardRequest& request, const Deadline&) const override {
    return function_(request);
  }

 private:
  const Function function_;
};

std::unique_ptr<Scorer> FakeScorer(FakeReward::Function function) {
  std::vector<std::unique_ptr<Reward>> rewards;
  rewards.push_back(std::make_unique<FakeReward>(std::move(function)));
  ScorerConfig config;
  config.deadline_seconds = 60;
  return Scorer::FromRewards(std::move(rewards), {1}, config);
}

// The number of bytes of the completion.
std::unique_ptr<Scorer> SizeScorer() {
  return FakeScorer([](const RewardRequest& request) {
    return RewardResult::Scored(request.completion.size(), "");
  });
}

// A completion's score is the number of completions in its group.
std::unique_ptr<Scorer> GroupSizeScorer() {
  class GroupSize : public GroupReward {
   public:
    absl::string_view name() const override { return "group_size"; }
    bool NeedsWholeGroup() const override { return true; }
    std::vector<RewardResult> ScoreGroup(const std::vector<RewardRequest>& requests,
                                         const Deadline&) const override {
      return std::vector<RewardResult>(requests.size(), RewardResult::Scored(requests.size(), ""));
    }
  };
  std::vector<std::unique_ptr<Reward>> rewards;
  rewards.push_back(std::make_unique<GroupSize>());
  ScorerConfig config;
  config.deadline_seconds = 60;
  return Scorer::FromRewards(std::move(rewards), {1}, config);
}

std::string Record(const std::string& completion) {
  return nlohmann::json{{"completion", completion}}.dump() + "\n";
}

// What the stream made of an input.
struct Outcome {
  absl::StatusOr<ScoreAudit> result = ScoreAudit();
  std::vector<nlohmann::json> records;
};

Outcome Stream(Scorer& scorer, const std::string& input, ScoreStreamOptions options = {}) {
  const ScratchFolder folder;
  const std::string in = folder.Path("in"), out = folder.Path("out");
  GRPO_CHECK(WriteFileAtomically(in, input).ok());
  const int descriptor = open(in.c_str(), O_RDONLY);
  FILE* const output = std::fopen(out.c_str(), "w");
  Outcome outcome;
  outcome.result = ScoreStream(scorer, options, descriptor, output);
  close(descriptor);
  std::fclose(output);
  const absl::StatusOr<std::string> written = ReadFile(out);
  GRPO_CHECK(written.ok());
  for (absl::string_view line : absl::StrSplit(*written, '\n', absl::SkipEmpty())) {
    outcome.records.push_back(nlohmann::json::parse(std::string(line)));
  }
  return outcome;
}

TEST(ScoreStreamTest, WritesARecordForEachInTheirOrderForAnyNumberOfThreads) {
  std::string input;
  constexpr int kRecords = 1000;
  for (int i = 0; i < kRecords; ++i) input += Record(std::string(i, 'a'));
  const auto scorer = FakeScorer([](const RewardRequest& request) {
    if (request.completion.size() % 97 == 0) absl::SleepFor(absl::Milliseconds(3));
    return RewardResult::Scored(request.completion.size(), "");
  });
  for (int threads : {1, 2, 7}) {
    ScoreStreamOptions options;
    options.threads = threads;
    const Outcome outcome = Stream(*scorer, input, options);
    ASSERT_TRUE(outcome.result.ok()) << outcome.result.status();
    ASSERT_EQ(outcome.records.size(), size_t{kRecords});
    for (int i = 0; i < kRecords; ++i) {
      EXPECT_EQ(outcome.records[i]["id"], i + 1);
      EXPECT_EQ(outcome.records[i]["score"], i);
    }
  }
}

TEST(ScoreStreamTest, ReadsNothingBlankLinesAndALastLineWithoutAnEnd) {
  const auto scorer = SizeScorer();
  EXPECT_TRUE(Stream(*scorer, "").records.empty());
  EXPECT_TRUE(Stream(*scorer, "\n \t\r\n\n").records.empty());
  const Outcome outcome =
      Stream(*scorer, "\n{\"completion\": \"a\"}\r\n\n\n{\"completion\": \"bb\"}");
  ASSERT_TRUE(outcome.result.ok()) << outcome.result.status();
  ASSERT_EQ(outcome.records.size(), 2u);
  EXPECT_EQ(outcome.records[0]["id"], 2);
  EXPECT_EQ(outcome.records[1]["id"], 5);
  EXPECT_EQ(outcome.records[1]["score"], 2);
}

TEST(ScoreStreamTest, ReadsALineThatIsLongerThanItsBuffers) {
  const auto scorer = SizeScorer();
  const Outcome outcome = Stream(*scorer, Record(std::string(3000000, 'x')) + Record("a"));
  ASSERT_EQ(outcome.records.size(), 2u);
  EXPECT_EQ(outcome.records[0]["score"], 3000000);
  EXPECT_EQ(outcome.records[1]["score"], 1);
}

TEST(ScoreStreamTest, ScoresTheRecordsOfAGroupTogetherWhereARewardComparesThem) {
  // Groups of 1 to 200 records, some without a group between them.
  std::string input;
  std::vector<double> expected;
  int group = 0;
  for (int size : {1, 3, 200, 64, 2, 1, 63, 65, 130}) {
    ++group;
    for (int i = 0; i < size; ++i) {
      const nlohmann::json key =
          group % 2 == 0 ? nlohmann::json(group) : nlohmann::json(absl::StrCat("g", group));
      input += nlohmann::json{{"completion", ""}, {"group", key}}.dump() + "\n";
      expected.push_back(size);
    }
    if (size == 64) {
      input += Record("alone") + Record("alone");
      expected.insert(expected.end(), 2, 1);
    }
  }
  const auto scorer = GroupSizeScorer();
  for (int threads : {1, 4}) {
    ScoreStreamOptions options;
    options.threads = threads;
    const Outcome outcome = Stream(*scorer, input, options);
    ASSERT_TRUE(outcome.result.ok()) << outcome.result.status();
    std::vector<double> scores;
    for (const nlohmann::json& record : outcome.records) scores.push_back(record["score"]);
    EXPECT_EQ(scores, expected);
  }
}

TEST(ScoreStreamTest, RefusesAGroupWhoseRecordsAnswerDifferentPrompts) {
  const auto scorer = GroupSizeScorer();
  const std::string first =
      R"({"completion": "a", "group": 7, "prompt": "p", "answer": "1", "x": 2})";
  const std::pair<std::string, std::string> cases[] = {
      {R"({"completion": "b", "group": 7, "prompt": "q", "answer": "1", "x": 2})", "\"prompt\""},
      {R"({"completion": "b", "group": 7, "prompt": "p", "answer": "2", "x": 2})", "\"answer\""},
      {R"({"completion": "b", "group": 7, "prompt": "p", "answer": "1", "x": 3})", "\"metadata\""},
      {R"({"completion": "b", "group": 7, "prompt": "p", "answer": "1", "x": 2, "family": "f"})",
       "\"family\""},
      {R"({"completion": "b", "group": 7, "prompt": "p", "answer": "1", "x": 2, "max_tokens": 5})",
       "\"max_tokens\""}};
  for (const auto& [second, differs] : cases) {
    const Outcome outcome = Stream(*scorer, Record("before") + first + "\n" + second + "\n");
    EXPECT_THAT(std::string(outcome.result.status().message()),
                testing::AllOf(HasSubstr("standard input:3"), HasSubstr(differs)));
    // Its group is not whole: it gets no verdict.
    EXPECT_EQ(outcome.records.size(), 1u);
  }
}

TEST(ScoreStreamTest, TellsTheCheckersTheBudgetOfEachRecord) {
  const auto scorer = FakeScorer([](const RewardRequest& request) {
    return RewardResult::Scored(request.num_tokens * 1000 + request.max_tokens, "");
  });
  std::string input;
  for (int max_tokens : {0, 10, 10, 20}) {
    absl::StrAppend(
        &input, "{\"completion\": \"\", \"num_tokens\": 5, \"max_tokens\": ", max_tokens, "}\n");
  }
  std::vector<double> scores;
  for (const auto& record : Stream(*scorer, input).records) scores.push_back(record["score"]);
  EXPECT_THAT(scores, ElementsAre(5000, 5010, 5010, 5020));
}

TEST(ScoreStreamTest, EndsAtAMalformedLineAfterTheVerdictsOnThoseBeforeIt) {
  const auto scorer = SizeScorer();
  for (int before : {0, 1, 63, 64, 65, 500}) {
    std::string input;
    for (int i = 0; i < before; ++i) input += Record("a");
    input += "{\"completion\": 3}\n";
    for (int i = 0; i < 500; ++i) input += Record("a");
    const Outcome outcome = Stream(*scorer, input);
    EXPECT_EQ(outcome.records.size(), static_cast<size_t>(before));
    EXPECT_EQ(outcome.result.status().message(),
              absl::StrCat("standard input:", before + 1,
                           ": \"completion\": expected a text, found the number 3"));
  }
}

TEST(ScoreStreamTest, KeepsErrorsAndInvalidTasksInTheirPlaces) {
  const auto scorer = FakeScorer([](const RewardRequest& request) -> RewardResult {
    if (request.completion == "throw") throw std::runtime_error("no table");
    if (request.completion == "invalid") return RewardResult::Invalid("no truth");
    return RewardResult::Scored(1, "");
  });
  const Outcome outcome = Stream(*scorer, Record("throw") + Record("fine") + Record("invalid"));
  ASSERT_EQ(outcome.records.size(), 3u);
  EXPECT_EQ(outcome.records[0]["status"], "error");
  EXPECT_TRUE(outcome.records[0]["score"].is_null());
  EXPECT_EQ(outcome.records[1]["status"], "scored");
  EXPECT_EQ(outcome.records[2]["status"], "invalid");
}

TEST(ScoreStreamTest, CountsForAnAuditOverAllThreads) {
  std::string input;
  for (int i = 0; i < 600; ++i) {
    absl::StrAppend(&input, "{\"completion\": \"", i % 2 == 0 ? "a" : "",
                    "\", \"expected\": ", i % 3 == 0 ? "true" : "false", "}\n");
  }
  ScoreStreamOptions options;
  options.audit = true;
  const auto scorer = SizeScorer();
  const Outcome outcome = Stream(*scorer, input, options);
  ASSERT_TRUE(outcome.result.ok()) << outcome.result.status();
  EXPECT_EQ(outcome.result->true_positives, 100);
  EXPECT_EQ(outcome.result->false_positives, 200);
  EXPECT_EQ(outcome.result->true_negatives, 200);
  EXPECT_EQ(outcome.result->false_negatives, 100);
}

TEST(ScoreStreamTest, EndsWhereTheVerdictsCannotBeWritten) {
  FILE* const full = std::fopen("/dev/full", "w");
  if (full == nullptr) GTEST_SKIP() << "no /dev/full";
  const ScratchFolder folder;
  std::string input;
  for (int i = 0; i < 5000; ++i) input += Record("a");
  ASSERT_TRUE(WriteFileAtomically(folder.Path("in"), input).ok());
  const int descriptor = open(folder.Path("in").c_str(), O_RDONLY);
  const auto scorer = SizeScorer();
  const auto result = ScoreStream(*scorer, {}, descriptor, full);
  EXPECT_THAT(std::string(result.status().message()), HasSubstr("cannot write the verdicts"));
  close(descriptor);
  std::fclose(full);
}

// A peer that writes records and reads verdicts through pipes.
class StreamPeer {
 public:
  explicit StreamPeer(Scorer& scorer) {
    GRPO_CHECK(pipe(input_) == 0 && pipe(output_) == 0);
    verdicts_ = fdopen(output_[0], "r");
    thread_ = std::thread([this, &scorer] {
      FILE* const output = fdopen(output_[1], "w");
      result_ = ScoreStream(scorer, {}, input_[0], output);
      std::fclose(output);
    });
  }
  ~StreamPeer() {
    CloseInput();
    Join();
    std::fclose(verdicts_);
    close(input_[0]);
  }

  void Write(const std::string& text) {
    GRPO_CHECK(write(input_[1], text.data(), text.size()) == static_cast<ssize_t>(text.size()));
  }
  // Empty at the end.
  std::string ReadLine() {
    char* line = nullptr;
    size_t size = 0;
    const ssize_t length = getline(&line, &size, verdicts_);
    const std::string text(line, std::max<ssize_t>(length, 0));
    free(line);
    return text;
  }
  void CloseInput() {
    if (input_[1] >= 0) close(std::exchange(input_[1], -1));
  }
  void Join() {
    if (thread_.joinable()) thread_.join();
  }
  const absl::StatusOr<ScoreAudit>& result() const { return result_; }

 private:
  int input_[2], output_[2];
  FILE* verdicts_;
  std::thread thread_;
  absl::StatusOr<ScoreAudit> result_ = ScoreAudit();
};

TEST(ScoreStreamTest, AnswersAPeerThatWaitsForEachVerdict) {
  const auto scorer = SizeScorer();
  StreamPeer peer(*scorer);
  for (int i = 0; i < 20; ++i) {
    const std::string record = Record(std::string(i, 'a'));
    // In two writes: a record is whole only with its line's end.
    peer.Write(record.substr(0, 5));
    peer.Write(record.substr(5));
    EXPECT_EQ(nlohmann::json::parse(peer.ReadLine())["score"], i);
  }
  peer.CloseInput();
  EXPECT_EQ(peer.ReadLine(), "");
}

TEST(ScoreStreamTest, EndsAtAMalformedLineThoughItsPeerHoldsTheInputOpen) {
  const auto scorer = SizeScorer();
  StreamPeer peer(*scorer);
  peer.Write(Record("a") + "nonsense\n");
  EXPECT_EQ(nlohmann::json::parse(peer.ReadLine())["score"], 1);
  EXPECT_EQ(peer.ReadLine(), "");
  peer.Join();
  EXPECT_THAT(std::string(peer.result().status().message()), HasSubstr("standard input:2"));
}

TEST(ScoreStreamTest, ReadsOnlySoFarAheadOfASlowVerdict) {
  const ScratchFolder folder;
  std::string input = Record("slow");
  constexpr int kRecords = 20000;
  for (int i = 0; i < kRecords; ++i) input += Record("a");
  ASSERT_TRUE(WriteFileAtomically(folder.Path("in"), input).ok());
  const int descriptor = open(folder.Path("in").c_str(), O_RDONLY);
  FILE* const output = std::fopen(folder.Path("out").c_str(), "w");
  absl::Notification release;
  const auto scorer = FakeScorer([&](const RewardRequest& request) {
    if (request.completion == "slow") release.WaitForNotification();
    return RewardResult::Scored(1, "");
  });
  absl::StatusOr<ScoreAudit> result = ScoreAudit();
  std::thread stream([&] { result = ScoreStream(*scorer, {}, descriptor, output); });
  absl::SleepFor(absl::Milliseconds(300));
  EXPECT_LT(lseek(descriptor, 0, SEEK_CUR), 200000);  // of 380,000 bytes
  release.Notify();
  stream.join();
  EXPECT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(lseek(descriptor, 0, SEEK_CUR), static_cast<off_t>(input.size()));
  close(descriptor);
  std::fclose(output);
}

}  // namespace
}  // namespace grpo
