// reward/plugins/python/grpo_reward.py with functions of the shapes that other trainers use.
#include <cstdlib>
#include <fstream>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

#include "reward/plugins/child_process.h"
#include "reward/plugins/plugin_reward.h"
#include "tests/data/scratch_folder.h"
#include "tests/reward/plugins/plugin_requests.h"

namespace grpo {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr const char* kAdapter = GRPO_SOURCE_DIR "/reward/plugins/python/grpo_reward.py";

// In verl's shape: a rule that looks for the number after "####".
constexpr const char* kVerl = R"py(
import re, sys, os

def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    print("scoring", data_source)                       # must not disturb the protocol
    os.write(1, b"written to descriptor 1\n")
    if data_source != "openai/gsm8k":
        raise NotImplementedError(f"no rule for {data_source}")
    found = re.search(r"#### (-?[0-9.,]+)", solution_str)
    if "give up" in solution_str:
        sys.exit(1)
    if "nothing" in solution_str:
        return None
    if "nan" in solution_str:
        return float("nan")
    if "text" in solution_str:
        return "1.0"
    return 1.0 if found and found.group(1) == ground_truth else 0.0

def with_parts(data_source, solution_str, ground_truth, extra_info=None):
    right = ground_truth in solution_str
    return {"score": right, "acc": right, "level": extra_info["level"], "pred": solution_str}

def dies(data_source, solution_str, ground_truth, extra_info=None):
    import os, signal
    if solution_str == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    return 1
)py";

// In TRL's shape: lists in, a list out, columns of the data set as keyword arguments.
constexpr const char* kTrl = R"py(
import asyncio

def right(completions, solution, **kwargs):
    return [1.0 if s in c else 0.0 for c, s in zip(completions, solution)]

def maybe(prompts, completions, **kwargs):
    return [None if c == "skip" else float(len(c)) for c in completions]

def format_of_messages(completions, **kwargs):
    return [1.0 if c[0]["content"].startswith("<think>") else 0.0 for c in completions]

async def slowly(prompts, completions, level, **kwargs):
    await asyncio.sleep(0.01)
    return [l * 1.0 for l in level]

def longest(completions, **kwargs):
    most = max(len(c) for c in completions)
    return [1.0 if len(c) == most else 0.0 for c in completions]

def short_list(completions, **kwargs):
    return [1.0]

def picky(completions):
    if "bad" in completions:
        raise ValueError("I do not like this")
    return [1.0] * len(completions)

def wants_tokens(completions, completion_ids, **kwargs):
    return [0.0] * len(completions)
)py";

// A NeMo-Gym resource server's endpoint, on a port of the system's choice.
constexpr const char* kServer = R"py(
import http.server, json

class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = body["response"]["output"][0]["content"][0]["text"]
        if self.path != "/verify" or "fail" in text:
            self.send_error(500, "the verifier broke")
            return
        asked = body["responses_create_params"]["input"][0]["content"]
        right = text == body["expected_answer"] and asked.startswith("Add")
        answer = {**body, "reward": float(right and body["verifier_metadata"]["level"] == 3)}
        if "no reward" in text:
            del answer["reward"]
        data = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
)py";

class PythonRewardTest : public testing::Test {
 protected:
  void SetUp() override {
    if (std::system("python3 --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "no python3 here";
    folder_ = TestFolder();
    std::ofstream(folder_ + "/verl_reward.py") << kVerl;
    std::ofstream(folder_ + "/trl_reward.py") << kTrl;
    std::ofstream(folder_ + "/server.py") << kServer;
  }

  absl::StatusOr<std::unique_ptr<GroupReward>> TryToStart(const std::string& arguments) const {
    ProcessOptions options;
    options.host_path = GRPO_PLUGIN_HOST;
    options.limits.batch_seconds = 30;
    return NewProcessReward(
        absl::StrCat("cd ", folder_, " && exec env no_proxy=127.0.0.1 python3 -B ", kAdapter, " ",
                     arguments),
        options);
  }

  std::unique_ptr<GroupReward> Start(const std::string& arguments) const {
    absl::StatusOr<std::unique_ptr<GroupReward>> reward = TryToStart(arguments);
    EXPECT_TRUE(reward.ok()) << reward.status();
    return *std::move(reward);
  }

  std::string StartFailure(const std::string& arguments) const {
    const auto reward = TryToStart(arguments);
    EXPECT_FALSE(reward.ok()) << arguments;
    return std::string(reward.status().message());
  }

  std::string folder_;
};

TEST_F(PythonRewardTest, RunsAVerlFunction) {
  const auto reward = Start("--verl verl_reward.py:compute_score");
  EXPECT_EQ(reward->name(), "compute_score");
  Prompt prompt = TestPrompt();
  prompt.metadata_json = R"({"data_source": "openai/gsm8k"})";
  const auto results = ScoreAll(
      *reward, prompt,
      {"#### 2", "#### 3", "no mark", "give up", "nothing", "nan", "text", "so\n#### 2\n"});
  EXPECT_EQ(results[0].score, 1);
  EXPECT_EQ(results[1].score, 0);
  EXPECT_EQ(results[1].state, RewardState::kScored);
  EXPECT_EQ(results[2].score, 0);
  EXPECT_EQ(results[3].state, RewardState::kError);
  EXPECT_THAT(results[3].reason, HasSubstr("SystemExit"));
  EXPECT_EQ(results[4].state, RewardState::kInvalid);
  EXPECT_EQ(results[5].state, RewardState::kError);
  EXPECT_THAT(results[5].reason, HasSubstr("nan"));
  EXPECT_EQ(results[6].state, RewardState::kError);
  EXPECT_EQ(results[7].score, 1);
  prompt.metadata_json = R"({"data_source": "other", "reward_model": {"ground_truth": "9"}})";
  const RewardResult other = ScoreAll(*reward, prompt, {"#### 9"})[0];
  EXPECT_EQ(other.state, RewardState::kError);
  EXPECT_THAT(other.reason, HasSubstr("NotImplementedError: no rule for other (verl_reward.py:8)"));
  prompt.metadata_json = R"({"data_source": "openai/gsm8k",
                             "reward_model": {"ground_truth": "9"}})";
  EXPECT_EQ(ScoreAll(*reward, prompt, {"#### 9"})[0].score, 1);
}

TEST_F(PythonRewardTest, TakesAVerlDictionarysNumbersAsParts) {
  const auto reward = Start("--verl verl_reward.py:with_parts");
  const RewardResult result = ScoreOne(*reward, "it is 2");
  EXPECT_EQ(result.state, RewardState::kScored) << result.reason;
  EXPECT_EQ(result.score, 1);
  EXPECT_EQ(result.parts, (std::vector<std::pair<std::string, double>>{{"acc", 1}, {"level", 3}}));
}

TEST_F(PythonRewardTest, SurvivesAFunctionThatKillsThePython) {
  const auto reward = Start("--verl verl_reward.py:dies");
  const auto results = ScoreAll(*reward, TestPrompt(), {"live", "die", "live"});
  EXPECT_EQ(results[0].score, 1) << results[0].reason;
  EXPECT_EQ(results[1].state, RewardState::kError);
  EXPECT_THAT(results[1].reason, HasSubstr("signal 11"));
  EXPECT_EQ(results[2].score, 1) << results[2].reason;
}

TEST_F(PythonRewardTest, RunsTrlFunctions) {
  const Prompt prompt = TestPrompt();
  const auto right = ScoreAll(*Start("--trl trl_reward.py:right --answer-column solution"), prompt,
                              {"it is 2", "it is 3"});
  EXPECT_EQ(right[0].score, 1) << right[0].reason;
  EXPECT_EQ(right[1].score, 0);
  EXPECT_EQ(right[1].state, RewardState::kScored);
  const auto maybe = ScoreAll(*Start("--trl trl_reward.py:maybe"), prompt, {"four", "skip"});
  EXPECT_EQ(maybe[0].score, 4);
  EXPECT_EQ(maybe[1].state, RewardState::kInvalid);
  const auto messages = ScoreAll(*Start("--trl trl_reward.py:format_of_messages --conversational"),
                                 prompt, {"<think>", "well"});
  EXPECT_EQ(messages[0].score, 1) << messages[0].reason;
  EXPECT_EQ(messages[1].score, 0);
  const auto slowly = ScoreAll(*Start("--trl trl_reward.py:slowly"), prompt, {"a", "b"});
  EXPECT_EQ(slowly[0].score, 3) << slowly[0].reason;
  EXPECT_EQ(slowly[1].score, 3);
}

TEST_F(PythonRewardTest, GivesATrlFunctionTheWholeGroup) {
  const auto reward = Start("--trl trl_reward.py:longest");
  EXPECT_TRUE(reward->NeedsWholeGroup());
  const auto results = ScoreAll(*reward, TestPrompt(), {"a", "bbb", "cc"});
  EXPECT_EQ(results[0].score, 0);
  EXPECT_EQ(results[1].score, 1);
  EXPECT_EQ(results[2].score, 0);
}

TEST_F(PythonRewardTest, MakesATrlFunctionsFaultsErrors) {
  for (const RewardResult& result :
       ScoreAll(*Start("--trl trl_reward.py:short_list"), TestPrompt(), {"a", "b"})) {
    EXPECT_EQ(result.state, RewardState::kError);
    EXPECT_THAT(result.reason, HasSubstr("expected 2 scores, found 1"));
  }
  for (const RewardResult& result :
       ScoreAll(*Start("--trl trl_reward.py:picky"), TestPrompt(), {"a", "bad"})) {
    EXPECT_EQ(result.state, RewardState::kError);
    EXPECT_THAT(result.reason, HasSubstr("I do not like this"));
  }
  const auto reward = Start("--trl trl_reward.py:picky --each");
  EXPECT_FALSE(reward->NeedsWholeGroup());
  const auto each = ScoreAll(*reward, TestPrompt(), {"a", "bad", "b", "c"});
  EXPECT_EQ(each[0].score, 1);
  EXPECT_EQ(each[1].state, RewardState::kError);
  EXPECT_EQ(each[2].score, 1);
  EXPECT_EQ(each[3].score, 1);
}

TEST_F(PythonRewardTest, AsksANemoGymServer) {
  auto server = ChildProcess::Start(GRPO_PLUGIN_HOST, {"python3", folder_ + "/server.py"});
  ASSERT_TRUE(server.ok()) << server.status();
  std::string port;
  ASSERT_EQ((*server)->Wait(absl::Now() + absl::Seconds(30), -1, &port),
            ChildProcess::Event::kLine);
  const auto reward = Start(absl::StrCat("--nemo-gym http://127.0.0.1:", port));
  const auto results = ScoreAll(*reward, TestPrompt(), {"2", "3", "fail", "no reward", "2"});
  EXPECT_EQ(results[0].score, 1) << results[0].reason;
  EXPECT_EQ(results[1].state, RewardState::kScored);
  EXPECT_EQ(results[1].score, 0);
  EXPECT_EQ(results[2].state, RewardState::kError);
  EXPECT_THAT(results[2].reason, HasSubstr("500 the verifier broke"));
  EXPECT_EQ(results[3].state, RewardState::kError);
  EXPECT_THAT(results[3].reason, HasSubstr("no \"reward\""));
  EXPECT_EQ(results[4].score, 1);
  (*server)->Stop(absl::ZeroDuration());
  const RewardResult gone = ScoreOne(*reward, "2");
  EXPECT_EQ(gone.state, RewardState::kError);
  EXPECT_THAT(gone.reason, HasSubstr("refused"));
}

TEST_F(PythonRewardTest, RunsTheExample) {
  const auto reward = Start(absl::StrCat("--score ", GRPO_SOURCE_DIR,
                                         "/reward/plugins/python/example_reward.py:last_line"));
  const auto results = ScoreAll(*reward, TestPrompt(), {"1 and 1:\n2", "3", ""});
  EXPECT_EQ(results[0].score, 1);
  EXPECT_EQ(results[1].score, 0);
  EXPECT_EQ(results[1].reason, "the last line is '3'");
  EXPECT_EQ(results[2].score, 0);
  Prompt without_answer = TestPrompt();
  without_answer.answer = "";
  EXPECT_EQ(ScoreAll(*reward, without_answer, {"2"})[0].state, RewardState::kInvalid);
}

TEST_F(PythonRewardTest, SaysWhatIsWrongWithAFunction) {
  EXPECT_THAT(StartFailure("--verl none.py:compute_score"), HasSubstr("there is no file none.py"));
  EXPECT_THAT(StartFailure("--verl verl_reward.py:none"), HasSubstr("has no function none"));
  EXPECT_THAT(StartFailure("--verl verl_reward.py"), HasSubstr("expected FILE:FUNCTION"));
  EXPECT_THAT(StartFailure("--trl trl_reward.py:wants_tokens"), HasSubstr("completion_ids"));
  std::ofstream(folder_ + "/broken.py") << "def f(:\n";
  EXPECT_THAT(StartFailure("--verl broken.py:f"), HasSubstr("SyntaxError"));
  EXPECT_THAT(StartFailure("--none x"), HasSubstr("error: "));
  EXPECT_THAT(Children(), IsEmpty());
}

}  // namespace
}  // namespace grpo
