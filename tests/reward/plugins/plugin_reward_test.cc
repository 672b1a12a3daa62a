// Plugins with the C interface, good and bad ones, in this process and in helpers.
#include "reward/plugins/plugin_reward.h"

#include <atomic>
#include <cstdlib>
#include <fstream>
#include <thread>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "reward/plugin.h"
#include "tests/data/scratch_folder.h"
#include "tests/reward/plugins/plugin_requests.h"

namespace grpo {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::string Library(const std::string& name) {
  return absl::StrCat(GRPO_TEST_PLUGINS, "/lib", name, ".so");
}

PluginOptions Options(const std::string& mode) {
  PluginOptions options;
  options.mode = mode;
  options.host_path = GRPO_PLUGIN_HOST;
  options.limits.batch_seconds = 20;
  options.limits.start_seconds = 20;
  return options;
}

class PluginRewardTest : public testing::TestWithParam<const char*> {
 protected:
  std::unique_ptr<GroupReward> Load(const std::string& library) {
    absl::StatusOr<std::unique_ptr<GroupReward>> reward =
        NewPluginReward(Library(library), Options(GetParam()));
    EXPECT_TRUE(reward.ok()) << reward.status();
    return *std::move(reward);
  }
  std::string LoadFailure(const std::string& path, const std::string& config = "") {
    PluginOptions options = Options(GetParam());
    options.config = config;
    const auto reward = NewPluginReward(path, options);
    EXPECT_FALSE(reward.ok()) << path;
    return std::string(reward.status().message());
  }
};

INSTANTIATE_TEST_SUITE_P(BothModes, PluginRewardTest, testing::Values("process", "in_process"),
                         [](const auto& info) { return std::string(info.param); });

TEST_P(PluginRewardTest, RunsTheExample) {
  const auto reward = Load("last_line");
  EXPECT_EQ(reward->name(), "last_line");
  const Prompt prompt = TestPrompt();
  const auto results =
      ScoreAll(*reward, prompt, {"1 and 1:\n2", "2\n", "3", "", "two lines\n\n 2 \n \n", "12"});
  const double expected[] = {1, 1, 0, 0, 1, 0};
  for (int i = 0; i < 6; ++i) {
    EXPECT_EQ(results[i].state, RewardState::kScored);
    EXPECT_EQ(results[i].score, expected[i]) << i;
  }
  EXPECT_EQ(results[2].reason, "the last line is \"3\"");
  EXPECT_EQ(results[5].parts, (std::vector<std::pair<std::string, double>>{{"characters", 2}}));
  Prompt without_answer = prompt;
  without_answer.answer = "";
  EXPECT_EQ(ScoreAll(*reward, without_answer, {"2"})[0].state, RewardState::kInvalid);
}

TEST_P(PluginRewardTest, HandsOverAndTakesTexts) {
  const auto reward = Load("chaos");
  EXPECT_EQ(ScoreOne(*reward, "reason").reason, "2");
  EXPECT_EQ(ScoreOne(*reward, "metadata").reason, "{\"level\":3}");
  EXPECT_EQ(ScoreOne(*reward, "completion \xff").reason, "completion \xef\xbf\xbd");
  EXPECT_EQ(ScoreOne(*reward, "part").parts,
            (std::vector<std::pair<std::string, double>>{{"part", 0.25}}));
}

TEST_P(PluginRewardTest, TakesNoNonsenseForAScore) {
  const auto reward = Load("chaos");
  const struct {
    const char *completion, *reason;
  } faults[] = {{"nan", "finite"},
                {"infinity", "finite"},
                {"status 7", "found 7"},
                {"unset", "unset"},
                {"error", ""},
                {"parts at null", "NULL"},
                {"nan part", "finite"},
                {"throw", "score() threw: no such word"},
                {"throw 7", "unknown type"},
                {"return 5", "score() returned 5"}};
  for (const auto& fault : faults) {
    const auto results =
        ScoreAll(*reward, TestPrompt(), {"score 5", fault.completion, "score 7", "invalid"});
    EXPECT_EQ(results[0].score, 5) << fault.completion << ": " << results[0].reason;
    EXPECT_EQ(results[1].state, RewardState::kError) << fault.completion;
    EXPECT_THAT(results[1].reason, HasSubstr(fault.reason));
    EXPECT_EQ(results[2].score, 7) << fault.completion;
    EXPECT_EQ(results[3].state, RewardState::kInvalid);
  }
}

TEST_P(PluginRewardTest, AnswersManyThreadsWithTheirOwnScores) {
  for (const char* library : {"chaos", "last_line"}) {
    const auto reward = Load(library);
    std::vector<std::thread> threads;
    std::atomic<int> wrong{0};
    for (int thread = 0; thread < 4; ++thread) {
      threads.emplace_back([&, thread] {
        for (int i = 0; i < 100; ++i) {
          Prompt prompt = TestPrompt();
          prompt.answer = absl::StrCat("score ", i % 2);
          const std::string completion = absl::StrCat("score ", (i + thread) % 2);
          const double expected = reward->name() == "chaos"     ? (i + thread) % 2
                                  : prompt.answer == completion ? 1
                                                                : 0;
          const RewardResult result = ScoreAll(*reward, prompt, {completion})[0];
          if (result.state != RewardState::kScored || result.score != expected) ++wrong;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(wrong, 0) << library;
  }
}

TEST_P(PluginRewardTest, NeverDividesAGroup) {
  const auto reward = Load("chaos_GROUP");  // max_batch is 4
  EXPECT_TRUE(reward->NeedsWholeGroup());
  const auto whole = ScoreAll(*reward, TestPrompt(), {"items", "sample", "items", "sample"});
  EXPECT_EQ(whole[0].score, 4);
  EXPECT_EQ(whole[1].score, 1);
  EXPECT_EQ(whole[3].score, 3);
  const auto too_many = ScoreAll(*reward, TestPrompt(), std::vector<std::string>(5, "items"));
  for (const RewardResult& result : too_many) {
    EXPECT_EQ(result.state, RewardState::kError);
    EXPECT_THAT(result.reason, HasSubstr("group of 5"));
  }
  const auto failed = ScoreAll(*reward, TestPrompt(), {"score 1", "throw", "score 1"});
  for (const RewardResult& result : failed) EXPECT_EQ(result.state, RewardState::kError);
}

TEST_P(PluginRewardTest, SaysWhatIsWrongWithAFile) {
  const std::string folder = TestFolder();
  std::ofstream(folder + "/text.so") << "not a library\n";
  EXPECT_THAT(LoadFailure(folder + "/none.so"), HasSubstr("No such file"));
  EXPECT_THAT(LoadFailure(folder + "/text.so"), HasSubstr("shared library for this machine"));
  EXPECT_THAT(
      LoadFailure(Library("chaos_WRONG_ABI")),
      AllOf(HasSubstr("version 4711"), HasSubstr(absl::StrCat("speaks version ", GRPO_PLUGIN_ABI)),
            HasSubstr("build it again")));
  EXPECT_THAT(LoadFailure(Library("chaos_NO_SYMBOL")), HasSubstr("grpo_plugin_get"));
  EXPECT_THAT(LoadFailure(Library("chaos_NO_TABLE")), HasSubstr("returned NULL"));
  EXPECT_THAT(LoadFailure(Library("chaos_SMALL_TABLE")), HasSubstr("found 16"));
  EXPECT_THAT(LoadFailure(Library("chaos_THROWS_AT_LOAD")), HasSubstr("at load"));
  EXPECT_THAT(LoadFailure(Library("chaos"), "{\"refuse\": 1}"), HasSubstr("refuse: not known"));
  EXPECT_THAT(LoadFailure(Library("chaos"), "{\"throw\": 1}"), HasSubstr("thrown by create"));
  EXPECT_THAT(LoadFailure(Library("chaos"), "[1]"), HasSubstr("expected a JSON object"));
  EXPECT_THAT(LoadFailure(Library("last_line"), "{\"a\": 1}"), HasSubstr("no options"));
  EXPECT_THAT(LoadFailure(""), HasSubstr("no path"));
}

TEST(PluginRewardModesTest, RefusesAnUnknownMode) {
  const auto reward = NewPluginReward(Library("chaos"), Options("thread"));
  ASSERT_FALSE(reward.ok());
  EXPECT_THAT(std::string(reward.status().message()), HasSubstr("\"in_process\""));
}

TEST(PluginRewardModesTest, SurvivesWhatAPluginDoesToItsProcess) {
  const int descriptors = NumDescriptors();
  const std::string pid_file = TestFolder() + "/daemon";
  PluginOptions options = Options("process");
  options.limits.batch_seconds = 3;
  {
    const auto reward = NewPluginReward(Library("chaos"), options);
    ASSERT_TRUE(reward.ok()) << reward.status();
    const struct {
      const char *completion, *reason;
    } faults[] = {{"crash", "signal 11"},
                  {"abort", "signal 6"},
                  {"exit", "status 3"},
                  {"hang", "no answer"},
                  {"gigabyte", "flooded"}};
    for (const auto& fault : faults) {
      const auto results =
          ScoreAll(**reward, TestPrompt(), {"score 5", fault.completion, "score 7"});
      EXPECT_EQ(results[0].score, 5) << fault.completion << ": " << results[0].reason;
      EXPECT_EQ(results[1].state, RewardState::kError) << fault.completion;
      EXPECT_THAT(results[1].reason, HasSubstr(fault.reason));
      EXPECT_EQ(results[2].score, 7) << fault.completion << ": " << results[2].reason;
    }
    EXPECT_EQ(ScoreOne(**reward, "print").score, 1);  // goes to standard error
    EXPECT_EQ(ScoreOne(**reward, absl::StrCat("daemon ", pid_file)).score, 1);
    EXPECT_GT(DaemonIn(pid_file), 0);
  }
  EXPECT_TRUE(IsGone(DaemonIn(pid_file)));
  EXPECT_THAT(Children(), IsEmpty());
  EXPECT_EQ(NumDescriptors(), descriptors);
}

TEST(PluginRewardModesTest, TellsAPluginInThisProcessThatItsTimeIsOver) {
  const auto reward = NewPluginReward(Library("chaos"), Options("in_process"));
  ASSERT_TRUE(reward.ok()) << reward.status();
  const absl::Time due = absl::Now() + absl::Milliseconds(200);
  std::thread waits([&] { ScoreAll(**reward, TestPrompt(), {"wait"}, Deadline(due, nullptr)); });
  absl::SleepFor(absl::Milliseconds(50));
  // The plugin is not thread-safe: this call waits for the other one, but not for ever.
  const auto blocked = ScoreAll(**reward, TestPrompt(), {"score 1"},
                                Deadline(due - absl::Milliseconds(120), nullptr));
  EXPECT_EQ(blocked[0].state, RewardState::kError);
  EXPECT_EQ(ScoreOne(**reward, "score 3").score, 3);
  EXPECT_GE(absl::Now(), due);
  waits.join();
}

TEST(PluginHeaderTest, IsValidC99) {
  if (std::system("cc --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no C compiler here";
  const std::string program = TestFolder() + "/plugin.c";
  std::ofstream(program)
      << "#include \"reward/plugin.h\"\n"
         "const grpo_plugin* grpo_plugin_get(void) {\n"
         "  static const grpo_plugin plugin = {GRPO_PLUGIN_ABI,\n"
         "    sizeof(grpo_plugin), \"c\", \"1\", 0, 0, NULL, NULL, NULL, NULL};\n"
         "  return &plugin;\n"
         "}\n";
  EXPECT_EQ(std::system(absl::StrCat("cc -std=c99 -pedantic -Wall -Wextra -Werror -fsyntax-only "
                                     "-I" GRPO_SOURCE_DIR " ",
                                     program)
                            .c_str()),
            0);
}

}  // namespace
}  // namespace grpo
