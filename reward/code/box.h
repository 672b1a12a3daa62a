// One warm sandbox: a server process (box_server.py) that forks a process for each job.
#pragma once

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include <sys/types.h>

#include "reward/code/cgroup.h"
#include "reward/code/descriptor.h"
#include "reward/code/sandbox.h"

namespace grpo {

// Not safe to share among threads.
class Box {
 public:
  // Starts the server and waits until it is ready.
  static absl::StatusOr<std::unique_ptr<Box>> Start(SandboxTier tier, const SandboxLimits& limits);
  // Ends the server and with it whatever is left inside.
  ~Box();

  // kInfrastructure where the box broke or the deadline passed; the box must then be thrown away.
  SandboxResult Run(const SandboxJob& job, const Deadline& deadline);

 private:
  Box(SandboxTier tier, const SandboxLimits& limits) : tier_(tier), limits_(limits) {}
  absl::Status StartServer();
  absl::Status SendSettings();
  absl::Status AwaitReady(int complaints);

  const SandboxTier tier_;
  const SandboxLimits limits_;
  std::string folder_;  // kLandlock: for the compiler's files; removed with the box
  std::unique_ptr<Cgroup> cgroup_;
  pid_t server_ = -1;
  Descriptor control_;  // a message a packet
};

}  // namespace grpo
