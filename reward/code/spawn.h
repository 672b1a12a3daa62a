// Starts a program without copying this process, which may be large and has many threads.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include <sys/types.h>

namespace grpo {

struct SpawnRequest {
  std::vector<std::string> command;      // the program's path and its arguments
  std::vector<std::string> environment;  // "NAME=value"; nothing is inherited
  std::vector<int> descriptors;          // become 0, 1, 2, …; nothing else stays open
  absl::optional<uid_t> user;            // who it becomes, where this process is root
};

// The new process, which leads a session and has all signals blocked.
absl::StatusOr<pid_t> Spawn(const SpawnRequest& request);

}  // namespace grpo
