// Worker threads for tensor work: each runs LibTorch's operations on itself alone, so that results
// do not depend on how many there are.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"

namespace grpo {

// Runs work(0) … work(count - 1) on threads of their own and waits for all. An exception out of
// LibTorch ends that thread and becomes the returned error.
absl::Status RunThreads(int count, const std::function<absl::Status(int)>& work);

// For the main thread, before it starts others: undoes what OpenMP's library, which LibTorch
// brings, does as it is loaded where OMP_PROC_BIND is set. It ties the main thread to one
// processor, and so every thread that comes of it.
void LeaveOpenMpPlace();

// For a thread of a team that waits for all others again and again: keeps it on a processor of its
// own, where the team is as large as the processors that the program may use. Otherwise two of its
// threads are seen to share one while another idles.
void HoldProcessor(int thread, int threads);

// Where the threads of a team wait for one another. Waits by looking for a while, then asleep: the
// parts of a rollout's forward are shorter than waking up takes.
class TeamBarrier {
 public:
  explicit TeamBarrier(int threads) : threads_(threads) {}

  // Returns when all threads have called it; what they wrote before is then visible. Throws
  // std::runtime_error once the team is broken.
  void Wait();
  // For a thread that fails: the others will not wait for it.
  void Break();

 private:
  const int threads_;
  std::atomic<int> arrived_{0};
  std::atomic<uint32_t> round_{0};
  std::atomic<bool> broken_{false};
};

}  // namespace grpo
