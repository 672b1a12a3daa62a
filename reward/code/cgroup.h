// Limits that hold for a box as a whole, where this process may make control groups.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include <sys/types.h>

namespace grpo {

class Cgroup {
 public:
  // Groups below this process's own, for each controller (version 1: memory, pids; version 2: both
  // in one) that can be written. None where nothing can: the rlimits then stand alone.
  static std::unique_ptr<Cgroup> Create(int64_t memory_bytes, int processes);
  // Ends all that is inside, waits until it is empty (for a second at most) and removes it.
  ~Cgroup();

  // Moves a process, and what it starts later, inside.
  absl::Status Add(pid_t pid);

 private:
  Cgroup() = default;
  void AddFolder(const std::string& parent, const std::vector<std::pair<std::string, int64_t>>&);

  std::vector<std::string> folders_;
};

}  // namespace grpo
