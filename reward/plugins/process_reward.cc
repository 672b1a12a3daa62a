#include "reward/plugins/process_reward.h"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include <unistd.h>

#include "data/status_macros.h"
#include "reward/plugins/messages.h"
#include "reward/plugins/score_queue.h"
#include "reward/plugins/score_worker.h"

namespace grpo {
namespace {

// How often a waiting caller looks whether its deadline has passed.
constexpr absl::Duration kDeadlinePeriod = absl::Milliseconds(20);

class ProcessReward : public GroupReward {
 public:
  static absl::StatusOr<std::unique_ptr<GroupReward>> Create(const std::string& host_path,
                                                             const std::vector<std::string>& argv,
                                                             const ProcessLimits& limits) {
    std::unique_ptr<ProcessReward> reward(new ProcessReward(limits));
    for (int i = 0; i < limits.workers; ++i) {
      reward->workers_.push_back(
          std::make_unique<ScoreWorker>(host_path, argv, limits, &reward->queue_));
    }
    for (const auto& worker : reward->workers_) {
      ASSIGN_OR_RETURN(reward->hello_, worker->FirstHello());
    }
    if (reward->hello_.max_batch > 0) {
      reward->max_batch_ = std::min(limits.max_batch, reward->hello_.max_batch);
    }
    return reward;
  }

  ~ProcessReward() override {
    queue_.Close();
    workers_.clear();
  }

  absl::string_view name() const override { return hello_.name; }
  bool NeedsWholeGroup() const override { return hello_.group; }

  // A request that is not answered, a new start, and once more.
  absl::Duration LongestCall() const override { return longest_call_; }

  std::vector<RewardResult> ScoreGroup(const std::vector<RewardRequest>& requests,
                                       const Deadline& deadline) const override {
    if (hello_.group && requests.size() > static_cast<size_t>(max_batch_)) {
      return {requests.size(), RewardResult::Error(absl::StrCat(
                                   "a group of ", requests.size(),
                                   " completions, expected at most max_batch = ", max_batch_,
                                   ", since it may not be divided"))};
    }
    std::vector<std::string> items;
    for (size_t i = 0; i < requests.size(); ++i) {
      const absl::StatusOr<PluginItem> item = MakePluginItem(requests[i], i);
      if (!item.ok()) {
        return {requests.size(), RewardResult::Invalid(std::string(item.status().message()))};
      }
      items.push_back(EncodeItem(*item));
    }
    return Await(Push(std::move(items)), deadline);
  }

 private:
  using Units = std::vector<std::shared_ptr<ScoreUnit>>;

  explicit ProcessReward(const ProcessLimits& limits)
      : longest_call_(absl::Seconds(limits.start_seconds + 2 * limits.batch_seconds)),
        max_batch_(limits.max_batch) {}

  // Where items do not depend on each other each is a unit of its own, so that processes share the
  // work and one that fails costs nothing but itself.
  Units Push(std::vector<std::string> items) const {
    Units units;
    if (hello_.group) {
      units.push_back(std::make_shared<ScoreUnit>(std::move(items)));
    } else {
      for (std::string& item : items) {
        units.push_back(std::make_shared<ScoreUnit>(std::vector<std::string>{std::move(item)}));
      }
    }
    queue_.Push(units);
    return units;
  }

  static std::vector<RewardResult> Await(const Units& units, const Deadline& deadline) {
    std::vector<RewardResult> results;
    for (const auto& unit : units) {
      bool done = false;
      while (!done && !deadline.Passed()) {
        done = unit->done.WaitForNotificationWithTimeout(kDeadlinePeriod);
      }
      if (done || unit->done.HasBeenNotified()) {
        results.insert(results.end(), unit->results.begin(), unit->results.end());
      } else {
        unit->abandoned = true;
        results.resize(results.size() + unit->items.size(),
                       RewardResult::Error("no answer before the deadline"));
      }
    }
    return results;
  }

  const absl::Duration longest_call_;
  int max_batch_;
  PluginHello hello_;
  mutable ScoreQueue queue_;
  std::vector<std::unique_ptr<ScoreWorker>> workers_;
};

// grpo_plugin_host beside the running program.
std::string HostPath(const std::string& given) {
  if (!given.empty()) return given;
  std::array<char, 4096> path;
  const ssize_t bytes = readlink("/proc/self/exe", path.data(), path.size());
  const std::string program(path.data(), std::max<ssize_t>(bytes, 0));
  return absl::StrCat(program.substr(0, program.rfind('/') + 1), "grpo_plugin_host");
}

absl::Status CheckLimits(const ProcessLimits& limits) {
  if (limits.workers >= 1 && limits.workers <= 256 && limits.max_batch >= 1 &&
      limits.max_batch <= 100000 && limits.start_seconds > 0 && limits.start_seconds <= 86400 &&
      limits.batch_seconds > 0 && limits.batch_seconds <= 86400) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "expected 1 to 256 workers, max_batch of 1 to 100000, start_seconds and batch_seconds above ",
      "0 and up to 86400; found workers ", limits.workers, ", max_batch ", limits.max_batch,
      ", start_seconds ", limits.start_seconds, ", batch_seconds ", limits.batch_seconds));
}

absl::StatusOr<std::unique_ptr<GroupReward>> Start(const std::string& what,
                                                   const std::string& host_path,
                                                   const std::vector<std::string>& argv,
                                                   const ProcessLimits& limits) {
  absl::Status status = CheckLimits(limits);
  if (status.ok()) {
    absl::StatusOr<std::unique_ptr<GroupReward>> reward =
        ProcessReward::Create(host_path, argv, limits);
    if (reward.ok()) return reward;
    status = reward.status();
  }
  return absl::Status(status.code(), absl::StrCat(what, ": ", status.message()));
}

}  // namespace

absl::StatusOr<std::unique_ptr<GroupReward>> NewProcessReward(const std::string& command,
                                                              const ProcessOptions& options) {
  if (command.empty()) {
    return absl::InvalidArgumentError(
        "reward process: no command; give one, such as process:python3 my_reward.py");
  }
  return Start(absl::StrCat("reward process \"", command, "\""), HostPath(options.host_path),
               {"/bin/sh", "-c", command}, options.limits);
}

absl::StatusOr<std::unique_ptr<GroupReward>> NewHostedPlugin(const std::string& path,
                                                             const PluginOptions& options) {
  const std::string host = HostPath(options.host_path);
  return Start(absl::StrCat("reward plugin ", path), host, {host, path, options.config},
               options.limits);
}

}  // namespace grpo
