// Rewards written by others: a shared library with the C interface of reward/plugin.h, or a command
// that speaks the protocol of reward/plugins/messages.h in any language.
//
// Both run in a process of their own unless a library is trusted enough to be loaded here: a reward
// that crashes, exits, hangs, floods its output or answers nonsense costs the samples it was
// working on, which become errors with a reason, and is started again.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

#include "data/config_fields.h"
#include "reward/group_reward.h"

namespace grpo {

// How long and how often; the same for commands and libraries.
struct ProcessLimits {
  int workers = 1;
  int max_batch = 64;
  double start_seconds = 60;
  double batch_seconds = 10;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("workers", workers, Range(1, 256), "processes that score side by side");
    visit("max_batch", max_batch, Range(1, 100000), "completions in one request at most");
    visit("start_seconds", start_seconds, Range(0.01, 86400),
          "for a process to start and say hello");
    visit("batch_seconds", batch_seconds, Range(0.001, 86400),
          "for the answer to a request; then the process is killed and started again");
  }
};

struct ProcessOptions {
  ProcessLimits limits;
  // grpo_plugin_host, which looks after the processes; "" is the one beside the running program.
  std::string host_path;

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    limits.VisitFields(visit);
  }
};

struct PluginOptions {
  std::string config;  // a JSON object for the plugin's create(); "" is "{}"
  std::string mode = "process";
  ProcessLimits limits;   // in mode "process"
  std::string host_path;  // as above

  template <typename Visitor>
  void VisitFields(Visitor& visit) {
    visit("config", config, NoConstraint(), "JSON object that the plugin is created with");
    visit("mode", mode, OneOf{{"process", "in_process"}},
          "in a helper process, or in this one: faster, but its faults end the run");
    limits.VisitFields(visit);
  }
};

// Starts the processes, each by /bin/sh with this command, and waits until each has said hello. The
// error has the command's last lines of standard error.
absl::StatusOr<std::unique_ptr<GroupReward>> NewProcessReward(const std::string& command,
                                                              const ProcessOptions& options);

// Loads the shared library at `path`, in mode "process" into helper processes.
absl::StatusOr<std::unique_ptr<GroupReward>> NewPluginReward(const std::string& path,
                                                             const PluginOptions& options);

}  // namespace grpo
