// Completions to score and what a test of plugins looks at besides the scores.
#pragma once

#include <algorithm>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include <dirent.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "data/file.h"
#include "reward/group_reward.h"

namespace grpo {

inline Prompt TestPrompt() {
  Prompt prompt;
  prompt.id = 42;
  prompt.name = "tests/1";
  prompt.family = "sums";
  prompt.text = "Add 1 and 1.";
  prompt.answer = "2";
  prompt.metadata_json = "{\"level\": 3}";
  return prompt;
}

// The completions as one group of the prompt.
inline std::vector<RewardResult> ScoreAll(const GroupReward& reward, const Prompt& prompt,
                                          const std::vector<std::string>& completions,
                                          const Deadline& deadline = Deadline::Never()) {
  std::vector<RewardRequest> requests;
  for (const std::string& completion : completions) {
    requests.push_back({prompt, completion, 5, 64, FinishReason::kStop});
  }
  return reward.ScoreGroup(requests, deadline);
}

inline RewardResult ScoreOne(const GroupReward& reward, const std::string& completion) {
  const Prompt prompt = TestPrompt();
  return reward.Score({prompt, completion, 5, 64, FinishReason::kStop}, Deadline::Never());
}

// Entries of a folder of /proc that are numbers.
inline std::set<int> NumbersIn(const std::string& folder) {
  std::set<int> numbers;
  DIR* directory = opendir(folder.c_str());
  while (const dirent* entry = readdir(directory)) {
    if (isdigit(entry->d_name[0])) numbers.insert(atoi(entry->d_name));
  }
  closedir(directory);
  return numbers;
}

inline int NumDescriptors() { return static_cast<int>(NumbersIn("/proc/self/fd").size()); }

// The processes whose parent is this one.
inline std::vector<int> Children() {
  std::vector<int> children;
  for (const int process : NumbersIn("/proc")) {
    std::ifstream file(absl::StrCat("/proc/", process, "/stat"));
    std::string text;
    std::getline(file, text);
    const size_t name_end = text.rfind(')');
    if (name_end == std::string::npos) continue;
    if (atoi(text.c_str() + std::min(name_end + 4, text.size())) == getpid()) {
      children.push_back(process);
    }
  }
  return children;
}

// The process that a daemon has written its number of; waits until it has.
inline int DaemonIn(const std::string& pid_file) {
  for (int i = 0; i < 5000; ++i) {
    const auto text = ReadFile(pid_file);
    if (text.ok() && !text->empty() && text->back() == '\n') return atoi(text->c_str());
    absl::SleepFor(absl::Milliseconds(1));
  }
  return -1;
}

inline bool IsGone(int process) {
  for (int i = 0; i < 10000; ++i) {
    if (kill(process, 0) != 0) return true;
    absl::SleepFor(absl::Milliseconds(1));
  }
  return false;
}

}  // namespace grpo
