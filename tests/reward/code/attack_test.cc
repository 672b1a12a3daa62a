// Programs that would rather cheat than solve (attacks/): none is scored right, none has an effect
// outside, and the check after it goes as if nothing had been.

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "data/file.h"
#include "tests/reward/code/judge_program.h"

namespace grpo {
namespace {

using nlohmann::json;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr char kFolder[] = GRPO_SOURCE_DIR "/tests/reward/code/attacks";
// What the tests expect, and what a file and the environment of this process hold.
constexpr char kSecret[] = "xyzzy-0123456789abcdef";

std::vector<std::string> Attacks(const std::string& ending) {
  std::vector<std::string> names;
  const std::vector<std::string> all = *ListDirectory(kFolder);
  for (const std::string& name : all) {
    if (absl::EndsWith(name, ending)) names.push_back(name);
  }
  return names;
}

// Processes that descend from this one, this one not counted.
int Descendants() {
  std::vector<std::pair<int, int>> parents;
  const std::vector<std::string> entries = *ListDirectory("/proc");
  for (const std::string& name : entries) {
    int pid;
    if (!absl::SimpleAtoi(name, &pid)) continue;
    std::ifstream file("/proc/" + name + "/stat");
    std::string text((std::istreambuf_iterator<char>(file)), {});
    const size_t end = text.rfind(')');
    int parent;
    char state;
    if (end != std::string::npos &&
        sscanf(text.c_str() + end + 1, " %c %d", &state, &parent) == 2) {
      parents.push_back({pid, parent});
    }
  }
  std::set<int> family = {getpid()};
  for (size_t before = 0; before != family.size();) {
    before = family.size();
    for (const auto& [pid, parent] : parents) {
      if (family.count(parent) > 0) family.insert(pid);
    }
  }
  return static_cast<int>(family.size()) - 1;
}

class AttackTest : public TierTest {
 protected:
  void SetUp() override {
    TierTest::SetUp();
    if (IsSkipped()) return;
    setenv("GRPO_TEST_SECRET", kSecret, 1);
    char folder[] = "/tmp/grpo-attack-XXXXXX";
    folder_ = mkdtemp(folder);
    file_ = folder_ + "/secret";
    std::ofstream(file_) << kSecret;
    // All of it open to everyone, so that nothing but the sandbox stands in the way.
    chmod(folder_.c_str(), 0777);
    chmod(file_.c_str(), 0666);
    Listen();
    ASSERT_EQ(HonestScore(), 1);
    processes_ = Descendants();
  }

  void TearDown() override {
    if (listener_ >= 0) close(listener_);
    if (!folder_.empty()) RemoveTree(folder_).IgnoreError();
    unsetenv("GRPO_TEST_SECRET");
  }

  void Listen() {
    listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ASSERT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(listen(listener_, 4), 0);
    socklen_t size = sizeof(address);
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }

  json World() const {
    return {{"file", file_}, {"folder", folder_}, {"port", port_}, {"pid", getpid()}};
  }

  // The same task in three forms: world -> secret.
  std::vector<json> Tasks() const {
    const json world = World();
    // Not literal arguments, so that the asserts stay asserts.
    const std::string asserts =
        absl::StrCat("world = ", world.dump(), "\nassert solve(world) == '", kSecret, "'");
    const json call = {{"args", json::array({world})}, {"expected", kSecret}};
    const json run = {{"input", world.dump() + "\n"}, {"output", std::string(kSecret) + "\n"}};
    return {
        {{"kind", "call"}, {"function", "solve"}, {"cases", json::array({call})}},
        {{"kind", "asserts"}, {"code", asserts}},
        {{"kind", "stdio"}, {"cases", json::array({run})}},
    };
  }

  double HonestScore() const {
    return Judge(json::parse(R"({"kind": "call", "function": "add", "cases": [
                     {"args": [1, 2], "expected": 3}, {"args": [4, 5], "expected": 9}]})"),
                 Fenced("import math, os\ndef add(a, b):\n    assert 'LEFT' not in os.environ\n"
                        "    return int(math.floor(a + b))"))
        .score;
  }

  void ExpectNoTrace(const std::string& name) {
    EXPECT_THAT(*ListDirectory(folder_), ElementsAre("secret")) << name;
    EXPECT_EQ(*ReadFile(file_), kSecret) << name;
    struct stat info;
    ASSERT_EQ(stat(file_.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 07777, 0666u) << name;
    pollfd wait = {listener_, POLLIN, 0};
    EXPECT_EQ(poll(&wait, 1, 0), 0) << name << " connected";
    EXPECT_EQ(Descendants(), processes_) << name;
    EXPECT_EQ(HonestScore(), 1) << name;
  }

  std::string folder_, file_;
  int listener_ = -1, port_ = 0, processes_ = 0;
};

TEST_P(AttackTest, PythonAttacksScoreZeroAndLeaveNothing) {
  const std::string main =
      "\n\nif __name__ == '__main__':\n    import json\n    print(solve(json.loads(input())))\n";
  ASSERT_GT(Attacks(".py").size(), 50u);
  for (const std::string& name : Attacks(".py")) {
    const std::string program = *ReadFile(absl::StrCat(kFolder, "/", name));
    for (const json& task : Tasks()) {
      const std::string label = absl::StrCat(name, " as ", task["kind"].get<std::string>());
      const RewardResult result = Judge(task, Fenced(program + main));
      EXPECT_EQ(result.state, RewardState::kScored) << label << ": " << result.reason;
      EXPECT_EQ(result.score, 0) << label << ": " << result.reason;
      ExpectNoTrace(label);
    }
  }
}

TEST_P(AttackTest, CppAttacksScoreZeroAndLeaveNothing) {
  ASSERT_GT(Attacks(".cc").size(), 10u);
  json task = Tasks()[2];
  task["language"] = "cpp";
  for (const std::string& name : Attacks(".cc")) {
    const std::string program =
        absl::StrReplaceAll(*ReadFile(absl::StrCat(kFolder, "/", name)),
                            {{"SECRET_FILE", file_}, {"SECRET_FOLDER", folder_}});
    const RewardResult result = Judge(task, Fenced(program, "cpp"));
    EXPECT_EQ(result.state, RewardState::kScored) << name << ": " << result.reason;
    EXPECT_EQ(result.score, 0) << name << ": " << result.reason;
    ExpectNoTrace(name);
  }
}

// The same verdicts in any order and from any number of threads.
TEST_P(AttackTest, HostileNeighboursDoNotChangeHonestVerdicts) {
  const std::vector<std::string> hostile = {"memory_touched.py", "os_exit_in_function.py",
                                            "kill_everything.py", "result_channel_flood.py",
                                            "fork_bomb.py"};
  std::vector<std::string> programs;
  for (int i = 0; i < 100; ++i) {
    programs.push_back(i % 10 == 0 ? *ReadFile(absl::StrCat(kFolder, "/", hostile[i / 10 % 5]))
                       : i % 3 == 0
                           ? "def solve(world):\n    return 'wrong'"
                           : absl::StrCat("def solve(world):\n    return '", kSecret, "'"));
  }
  std::vector<size_t> order(programs.size());
  for (size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::mt19937 random(7);
  const json task = Tasks()[0];
  for (const int num_threads : {1, 4}) {
    std::shuffle(order.begin(), order.end(), random);
    std::vector<double> scores(programs.size(), -1);
    std::vector<std::thread> threads;
    for (int t = 0; t < num_threads; ++t) {
      threads.emplace_back([&, t] {
        for (size_t k = t; k < order.size(); k += num_threads) {
          const RewardResult result = Judge(task, Fenced(programs[order[k]]));
          if (result.state == RewardState::kScored) scores[order[k]] = result.score;
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    for (size_t i = 0; i < programs.size(); ++i) {
      EXPECT_EQ(scores[i], i % 10 != 0 && i % 3 != 0 ? 1 : 0) << i << ", " << num_threads;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Tiers, AttackTest, ::testing::Values("namespaces", "landlock"), TierName);

}  // namespace
}  // namespace grpo
