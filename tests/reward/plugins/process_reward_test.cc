// A reward in a process of its own that does everything wrong that a process can do.
#include <atomic>
#include <thread>

#include "absl/strings/match.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include <sys/wait.h>

#include "reward/plugins/plugin_reward.h"
#include "reward/scorer.h"
#include "tests/data/scratch_folder.h"
#include "tests/reward/plugins/plugin_requests.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Chaos(const std::string& arguments = "") {
  return absl::StrCat(GRPO_TEST_PLUGINS, "/chaos_process ", arguments);
}

ProcessOptions Options() {
  ProcessOptions options;
  options.host_path = GRPO_PLUGIN_HOST;
  options.limits.batch_seconds = 20;  // far beyond what an honest answer takes on a busy machine
  options.limits.start_seconds = 20;
  return options;
}

std::unique_ptr<GroupReward> Start(const std::string& command = Chaos(),
                                   const ProcessOptions& options = Options()) {
  absl::StatusOr<std::unique_ptr<GroupReward>> reward = NewProcessReward(command, options);
  EXPECT_TRUE(reward.ok()) << reward.status();
  return *std::move(reward);
}

std::unique_ptr<Scorer> ChaosScorer(const ProcessOptions& options, const ScorerConfig& config,
                                    double weight) {
  std::vector<std::unique_ptr<Reward>> rewards;
  rewards.push_back(Start(Chaos(), options));
  return Scorer::FromRewards(std::move(rewards), {weight}, config);
}

std::string StartFailure(const std::string& command, const ProcessOptions& options = Options()) {
  const int before = NumDescriptors();
  const auto reward = NewProcessReward(command, options);
  EXPECT_FALSE(reward.ok());
  EXPECT_EQ(NumDescriptors(), before);
  EXPECT_THAT(Children(), IsEmpty());
  return std::string(reward.status().message());
}

struct Fault {
  const char* completion;
  const char* reason;  // part of the sample's
};

// Those that show at once.
const std::vector<Fault>& QuickFaults() {
  static const auto* const faults = new std::vector<Fault>{
      {"crash", "signal 11"},
      {"exit", "status 3"},
      {"last words", "reading the model | it is not there"},
      {"half", "status 0"},
      {"garbage", "a line of debugging"},
      {"not utf-8", "not UTF-8"},
      {"nan", "not usable as JSON"},
      {"huge", ""},
      {"repeated key", "stands twice"},
      {"few", "results for"},
      {"many", "results for"},
      {"wrong id", "answered request 987654"},
      {"text id", "answer: id"},
      {"no results", "answer: results"},
      {"batch error", "no gpu"},
      {"error", "no model"},
      {"no status", "found null"},
      {"bad status", "fine"},
      {"no score", "found null"},
      {"text score", "found a string"},
      {"bool score", "found true"},
      {"text result", "expected an object"},
      {"bad parts", "parts"},
      {"bad reason", "reason"},
      {"long line", "flooded"},
      {"gigabyte", "not usable as JSON"},
      {"stderr flood", "flooded"},
  };
  return *faults;
}

TEST(ProcessRewardTest, ReadsScoresPartsAndReasons) {
  const auto reward = Start();
  EXPECT_EQ(reward->name(), "chaos");
  EXPECT_FALSE(reward->NeedsWholeGroup());
  const RewardResult result = ScoreOne(*reward, "parts");
  EXPECT_EQ(result.state, RewardState::kScored);
  EXPECT_EQ(result.score, 1);
  EXPECT_EQ(result.reason, "done");
  EXPECT_EQ(result.parts, (std::vector<std::pair<std::string, double>>{{"a", 0.5}, {"b", 2}}));
  EXPECT_EQ(ScoreOne(*reward, "score -0.125").score, -0.125);
  EXPECT_EQ(ScoreOne(*reward, "invalid").state, RewardState::kInvalid);
  EXPECT_EQ(ScoreOne(*reward, "invalid").reason, "not for me");
}

TEST(ProcessRewardTest, HandsOverAllThatAnItemHas) {
  const auto reward = Start();
  Prompt prompt = TestPrompt();
  prompt.id = ~uint64_t{0};
  prompt.text = "line\nline \xc3\xa9 \xff";
  prompt.metadata_json = "{\n \"level\": 3,\n \"deep\": [{\"a\": null}]}";
  const RewardResult result =
      reward->Score({prompt, "echo", 5, 64, FinishReason::kLength}, Deadline::Never());
  EXPECT_EQ(nlohmann::json::parse(result.reason),
            nlohmann::json::parse(
                R"({"sample_id":0,"group_id":18446744073709551615,"prompt":"line\nline é �",
                    "completion":"echo","ground_truth":"2","metadata":{"level":3,"deep":
                    [{"a":null}]},"name":"tests/1","family":"sums","num_tokens":5,"max_tokens":64,
                    "finish":"length"})"));
}

TEST(ProcessRewardTest, SaysInvalidOfMetadataThatIsNoObject) {
  const auto reward = Start();
  Prompt prompt = TestPrompt();
  for (const char* metadata : {"[1]", "{", "{\"a\": 1} x"}) {
    prompt.metadata_json = metadata;
    EXPECT_EQ(ScoreAll(*reward, prompt, {"score 1"})[0].state, RewardState::kInvalid) << metadata;
  }
  prompt.metadata_json = "";
  EXPECT_EQ(ScoreAll(*reward, prompt, {"score 1"})[0].state, RewardState::kScored);
}

TEST(ProcessRewardTest, AnswersManyThreadsWithTheirOwnScores) {
  for (const int workers : {1, 3}) {
    ProcessOptions options = Options();
    options.limits.workers = workers;
    const auto reward = Start(Chaos(), options);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int thread = 0; thread < 8; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 100; ++i) {
          const int expected = thread * 1000 + i;
          const RewardResult result = ScoreOne(*reward, absl::StrCat("score ", expected));
          if (result.state != RewardState::kScored || result.score != expected) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0) << workers << " workers";
  }
}

TEST(ProcessRewardTest, TakesAnswersInAnyOrder) {
  ProcessOptions options = Options();
  options.limits.max_batch = 1;
  const auto reward = Start(Chaos("--pairs"), options);
  const auto results =
      ScoreAll(*reward, TestPrompt(), {"score 1", "score 2", "score 3", "score 4"});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(results[i].score, i + 1) << results[i].reason;
}

// Each fault stands between honest completions, in one request with them.
TEST(ProcessRewardTest, LetsAFaultCostItsOwnSampleAlone) {
  const auto reward = Start();
  for (const Fault& fault : QuickFaults()) {
    const auto results =
        ScoreAll(*reward, TestPrompt(), {"score 5", "score 6", fault.completion, "score 7"});
    EXPECT_EQ(results[0].score, 5) << fault.completion << ": " << results[0].reason;
    EXPECT_EQ(results[1].score, 6) << fault.completion << ": " << results[1].reason;
    EXPECT_EQ(results[2].state, RewardState::kError) << fault.completion;
    EXPECT_THAT(results[2].reason, HasSubstr(fault.reason)) << fault.completion;
    EXPECT_EQ(results[3].score, 7) << fault.completion << ": " << results[3].reason;
    EXPECT_EQ(ScoreOne(*reward, "score 8").score, 8) << fault.completion;
  }
}

TEST(ProcessRewardTest, StopsAProcessThatHangs) {
  ProcessOptions options = Options();
  options.limits.batch_seconds = 1;
  const auto reward = Start(Chaos(), options);
  for (const char* fault : {"hang", "close stdout"}) {
    const auto results = ScoreAll(*reward, TestPrompt(), {"score 5", fault, "score 7"});
    EXPECT_EQ(results[0].score, 5) << results[0].reason;
    EXPECT_EQ(results[1].state, RewardState::kError);
    EXPECT_THAT(results[1].reason, HasSubstr("was stopped")) << fault;
    EXPECT_EQ(results[2].score, 7) << results[2].reason;
  }
}

TEST(ProcessRewardTest, KeepsTheCallersDeadline) {
  const auto reward = Start();
  const absl::Time start = absl::Now();
  const auto results = ScoreAll(*reward, TestPrompt(), {"score 1", "hang"},
                                Deadline(start + absl::Milliseconds(300), nullptr));
  EXPECT_LT(absl::Now() - start, absl::Seconds(5));  // batch_seconds is 20
  EXPECT_EQ(results[1].state, RewardState::kError);
  EXPECT_THAT(results[1].reason, HasSubstr("deadline"));
}

TEST(ProcessRewardTest, TriesABatchOnceMoreAfterADeath) {
  const std::string folder = TestFolder();
  const auto reward = Start();
  EXPECT_EQ(ScoreOne(*reward, absl::StrCat("exit once ", folder, "/one")).score, 1);
  const auto results = ScoreAll(*reward, TestPrompt(),
                                {"score 5", absl::StrCat("exit once ", folder, "/two"), "score 7"});
  EXPECT_EQ(results[0].score, 5);
  EXPECT_EQ(results[1].score, 1) << results[1].reason;
  EXPECT_EQ(results[2].score, 7);
}

// An answer that nobody waits for must not be taken for the next one.
TEST(ProcessRewardTest, ScoresNothingFromAnAnswerThatComesTwice) {
  const auto reward = Start();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(ScoreOne(*reward, "twice").score, 1);
    const RewardResult next = ScoreOne(*reward, absl::StrCat("score ", i + 2));
    if (next.state == RewardState::kScored) {
      EXPECT_EQ(next.score, i + 2);
    } else {
      EXPECT_THAT(next.reason, HasSubstr("not under way"));
    }
  }
}

TEST(ProcessRewardTest, LetsAProcessWriteToStandardError) {
  const auto reward = Start();
  for (int i = 0; i < 1000; ++i) {  // 100 MB in all, little for each
    ASSERT_EQ(ScoreOne(*reward, "some stderr").state, RewardState::kScored);
  }
}

TEST(ProcessRewardTest, HandsOverWholeGroupsWhereTheRewardComparesThem) {
  ProcessOptions options = Options();
  options.limits.workers = 2;
  const auto reward = Start(Chaos("--group --max-batch 8"), options);
  EXPECT_TRUE(reward->NeedsWholeGroup());
  std::vector<std::thread> threads;
  std::atomic<int> divided{0};
  for (int thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        for (const RewardResult& result :
             ScoreAll(*reward, TestPrompt(), std::vector<std::string>(7, "items"))) {
          if (result.score != 7) ++divided;  // 8 do not hold two groups
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(divided, 0);
  const auto too_many = ScoreAll(*reward, TestPrompt(), std::vector<std::string>(9, "items"));
  ASSERT_EQ(too_many.size(), 9u);
  EXPECT_EQ(too_many[8].state, RewardState::kError);
  EXPECT_THAT(too_many[8].reason, HasSubstr("max_batch"));
}

TEST(ProcessRewardTest, DividesABatchThatIsTooLarge) {
  const auto reward = Start(Chaos("--max-batch 3"));
  for (const RewardResult& result :
       ScoreAll(*reward, TestPrompt(), std::vector<std::string>(20, "items"))) {
    EXPECT_EQ(result.state, RewardState::kScored);
    EXPECT_LE(result.score, 3);
  }
}

TEST(ProcessRewardTest, WaitsForASlowStart) {
  const auto reward = Start(Chaos("--start 0.5"));
  EXPECT_EQ(ScoreOne(*reward, "score 3").score, 3);
  EXPECT_EQ(ScoreOne(*reward, "crash").state, RewardState::kError);
  EXPECT_EQ(ScoreOne(*reward, "score 4").score, 4);
}

TEST(ProcessRewardTest, SaysWhyAProcessDoesNotStart) {
  ProcessOptions slow = Options();
  slow.limits.start_seconds = 0.3;
  EXPECT_THAT(StartFailure(Chaos("--start 30"), slow),
              HasSubstr("did not answer hello within 0.3 s"));
  EXPECT_THAT(StartFailure(Chaos("--hello 'Loading the model'")), HasSubstr("Loading the model"));
  EXPECT_THAT(StartFailure(Chaos("--hello '{\"error\": \"no such option\"}'")),
              HasSubstr("no such option"));
  EXPECT_THAT(StartFailure(Chaos("--hello '{\"version\": \"1\"}'")), HasSubstr("\"name\""));
  EXPECT_THAT(StartFailure("/no/such/program"), HasSubstr("not found"));
  EXPECT_THAT(StartFailure("echo about to fail >&2; exit 7"),
              HasSubstr("status 7; its last words: about to fail"));
  EXPECT_THAT(StartFailure(""), HasSubstr("no command"));
  ProcessOptions no_host = Options();
  no_host.host_path = "/no/such/host";
  EXPECT_THAT(StartFailure(Chaos(), no_host), HasSubstr("grpo_plugin_host"));
  ProcessOptions no_workers = Options();
  no_workers.limits.workers = 0;
  EXPECT_THAT(StartFailure(Chaos(), no_workers), HasSubstr("workers"));
}

TEST(ProcessRewardTest, SaysWhyAProcessDoesNotStartAgain) {
  const std::string marker = TestFolder() + "/started";
  const auto reward = Start(absl::StrCat("test -e ", marker, " && { echo gone >&2; exit 5; }; ",
                                         "touch ", marker, "; ", Chaos()));
  EXPECT_EQ(ScoreOne(*reward, "score 1").score, 1);
  for (const char* completion : {"exit", "score 2", "score 3"}) {
    const RewardResult result = ScoreOne(*reward, completion);
    EXPECT_EQ(result.state, RewardState::kError);
    EXPECT_THAT(result.reason, HasSubstr("gone"));
  }
}

TEST(ProcessRewardTest, LeavesNoProcessAndNoDescriptorBehind) {
  const std::string folder = TestFolder();
  const int descriptors = NumDescriptors();
  int daemon_of_dead = 0, daemon_of_living = 0;
  {
    ProcessOptions options = Options();
    options.limits.workers = 2;
    const auto reward = Start(Chaos(), options);
    EXPECT_EQ(ScoreOne(*reward, absl::StrCat("daemon ", folder, "/one")).score, 1);
    daemon_of_dead = DaemonIn(folder + "/one");
    for (int i = 0; i < 4; ++i) ScoreOne(*reward, "crash");
    EXPECT_EQ(ScoreOne(*reward, absl::StrCat("daemon ", folder, "/two")).score, 1);
    daemon_of_living = DaemonIn(folder + "/two");
    ASSERT_GT(daemon_of_dead, 0);
    ASSERT_GT(daemon_of_living, 0);
  }
  EXPECT_TRUE(IsGone(daemon_of_dead));
  EXPECT_TRUE(IsGone(daemon_of_living));
  EXPECT_THAT(Children(), IsEmpty());
  EXPECT_EQ(NumDescriptors(), descriptors);
}

// As when the system kills the program for want of memory.
TEST(ProcessRewardTest, LeavesNothingBehindWhenTheProgramIsKilled) {
  const std::string pid_file = TestFolder() + "/daemon";
  const pid_t program = fork();
  if (program == 0) {
    const auto reward = NewProcessReward(Chaos(), Options());
    ScoreOne(**reward, absl::StrCat("daemon ", pid_file));
    ScoreOne(**reward, "hang");
    _exit(0);
  }
  const int daemon = DaemonIn(pid_file);
  ASSERT_GT(daemon, 0);
  EXPECT_EQ(kill(daemon, 0), 0);
  kill(program, SIGKILL);
  waitpid(program, nullptr, 0);
  EXPECT_TRUE(IsGone(daemon));
}

// Whoever waits behind a process that hangs is scored by the next one.
TEST(ProcessRewardTest, TheScorersDeadlineDoesNotCutItsOwnLimitsShort) {
  ProcessOptions options = Options();
  options.limits.batch_seconds = 1;
  const auto scorer = ChaosScorer(options, {.deadline_seconds = 0.3}, /*weight=*/1);
  RolloutGroup group;
  group.prompt = TestPrompt();
  for (const char* text : {"hang", "score 3"}) group.rollouts.emplace_back().text = text;
  const auto scored = scorer->Score({group}, 64);
  EXPECT_EQ(scored[0].scores[0].state, RewardState::kError);
  EXPECT_THAT(scored[0].scores[0].results[0].reason, HasSubstr("no answer"));
  EXPECT_EQ(scored[0].scores[1].reward, 3) << scored[0].scores[1].results[0].reason;
}

// A run's step: groups full of faults, scored by the run's own scorer.
TEST(ProcessRewardTest, CountsEveryStateInARun) {
  ProcessOptions options = Options();
  options.limits.workers = 2;
  const auto scorer = ChaosScorer(options, {.threads = 4, .deadline_seconds = 120}, /*weight=*/2);
  std::vector<RolloutGroup> groups;
  for (const Fault& fault : QuickFaults()) {
    RolloutGroup& group = groups.emplace_back();
    group.prompt = TestPrompt();
    group.prompt.id = groups.size();
    for (const std::string& text : {absl::StrCat("score ", groups.size()),
                                    std::string(fault.completion), std::string("invalid")}) {
      group.rollouts.emplace_back().text = text;
    }
  }
  const auto scored = scorer->Score(groups, 64);
  ASSERT_EQ(scored.size(), groups.size());
  for (size_t i = 0; i < scored.size(); ++i) {
    EXPECT_EQ(scored[i].scores[0].state, RewardState::kScored)
        << scored[i].scores[0].results[0].reason;
    EXPECT_EQ(scored[i].scores[0].reward, 2.0 * (i + 1));
    EXPECT_EQ(scored[i].scores[1].state, RewardState::kError) << QuickFaults()[i].completion;
    EXPECT_EQ(scored[i].scores[1].reward, 0);
    EXPECT_EQ(scored[i].scores[2].state, RewardState::kInvalid);
  }
}

}  // namespace
}  // namespace grpo
