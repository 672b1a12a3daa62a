// Requests on their way from the callers' threads to the processes that score.
#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"

#include "reward/reward.h"

namespace grpo {

// What one caller waits for: a completion or a group, never split.
struct ScoreUnit {
  explicit ScoreUnit(std::vector<std::string> items) : items(std::move(items)) {}

  const std::vector<std::string> items;  // as EncodeItem writes them
  std::atomic<bool> abandoned{false};    // the caller has gone
  // Of the worker that has the unit.
  int deaths = 0;  // of processes that had it in hand
  bool alone =
      false;  // shares neither a request nor a process with others: one of them was at fault
  // Written before `done`.
  std::vector<RewardResult> results;
  absl::Notification done;

  void Finish(std::vector<RewardResult> of_items) {
    results = std::move(of_items);
    done.Notify();
  }
  void Fail(const std::string& reason) {
    Finish(std::vector<RewardResult>(items.size(), RewardResult::Error(reason)));
  }
};

// Callers push; workers poll `work_descriptor`, readable while something waits, and take. Close()
// makes both descriptors readable for good.
class ScoreQueue {
 public:
  ScoreQueue();
  ~ScoreQueue();
  ScoreQueue(const ScoreQueue&) = delete;
  ScoreQueue& operator=(const ScoreQueue&) = delete;

  void Push(const std::vector<std::shared_ptr<ScoreUnit>>& units) ABSL_LOCKS_EXCLUDED(mutex_);
  // Before all others, for units that have been taken before.
  void PutBack(const std::vector<std::shared_ptr<ScoreUnit>>& units) ABSL_LOCKS_EXCLUDED(mutex_);

  // The next units, of at most `max_items` items together (a larger unit comes by itself). A worker
  // that is busy gets nothing while another is idle, and no unit that wants to be alone. Whoever
  // gets something is busy until it calls SetIdle().
  std::vector<std::shared_ptr<ScoreUnit>> Take(size_t max_items, bool busy)
      ABSL_LOCKS_EXCLUDED(mutex_);
  void SetIdle() ABSL_LOCKS_EXCLUDED(mutex_);

  // What waits and what is put back fails.
  void Close() ABSL_LOCKS_EXCLUDED(mutex_);
  bool closed() const ABSL_LOCKS_EXCLUDED(mutex_);

  int work_descriptor() const { return work_descriptor_; }
  int close_descriptor() const { return close_descriptor_; }

 private:
  void Add(const std::vector<std::shared_ptr<ScoreUnit>>& units, bool in_front)
      ABSL_LOCKS_EXCLUDED(mutex_);

  const int work_descriptor_, close_descriptor_;
  mutable absl::Mutex mutex_;
  std::deque<std::shared_ptr<ScoreUnit>> units_ ABSL_GUARDED_BY(mutex_);
  int idle_workers_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace grpo
