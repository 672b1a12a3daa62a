// A thread that has a process score what it takes from a queue, and starts it again when it fails.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

#include "reward/plugins/child_process.h"
#include "reward/plugins/messages.h"
#include "reward/plugins/plugin_reward.h"
#include "reward/plugins/score_queue.h"

namespace grpo {

// What happens to a unit whose process fails:
// - the process ends with it in hand: it is tried once more, by itself, then it is an error;
// - the process hangs, floods or answers nonsense: an error, but a unit that shared its request
//   with others is tried by itself first, so that only the one at fault is an error;
// - requests that the process had not come to are sent again.
class ScoreWorker {
 public:
  // Starts the process at once, in the worker's own thread. `queue` outlives the worker.
  ScoreWorker(std::string host_path, std::vector<std::string> argv, const ProcessLimits& limits,
              ScoreQueue* queue);
  // The queue must have been closed.
  ~ScoreWorker();

  // What the process said at its first start, or why there is none. Waits for it.
  absl::StatusOr<PluginHello> FirstHello();

 private:
  // A request under way.
  struct Flight {
    uint64_t id = 0;
    std::vector<std::shared_ptr<ScoreUnit>> units;
    absl::Time due;  // of the oldest flight
    size_t NumItems() const;
  };
  enum class Failure { kDeath, kFault };

  void Run();
  absl::StatusOr<PluginHello> StartChild();
  absl::StatusOr<PluginHello> AwaitHello(ChildProcess& child) const;
  std::string Ending(ChildProcess& child, absl::string_view what, absl::Duration patience) const;
  void WaitForWork();
  void TakeUnits();
  void StartFlight(std::vector<std::shared_ptr<ScoreUnit>> units);
  void HandleEvent();
  void HandleAnswer(const std::string& line);
  void Land(size_t flight, PluginAnswer answer);
  void RemoveFlight(size_t flight);
  void FailFlight(const Flight& flight, const std::string& reason, Failure failure);
  void BreakDown(absl::string_view what, Failure failure, absl::Duration patience);

  const std::string host_path_;
  const std::vector<std::string> argv_;
  const ProcessLimits limits_;
  ScoreQueue* const queue_;
  // Of the thread.
  size_t max_batch_;
  std::unique_ptr<ChildProcess> child_;
  std::deque<Flight> flights_;  // oldest first
  bool may_take_ = true;        // false after there was nothing to take while busy
  uint64_t next_id_ = 1;
  absl::StatusOr<PluginHello> first_hello_;
  absl::Notification started_;  // after first_hello_ is written
  std::thread thread_;
};

}  // namespace grpo
