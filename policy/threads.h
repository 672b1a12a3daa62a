// Worker threads for tensor work: each runs LibTorch's operations on itself alone, so that results
// do not depend on how many there are.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <functional>
#include <thread>
#include <vector>

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

// Threads that share out loops, the caller's among them. They wait as TeamBarrier does.
class ThreadTeam {
 public:
  explicit ThreadTeam(int threads);
  ~ThreadTeam();
  ThreadTeam(const ThreadTeam&) = delete;
  ThreadTeam& operator=(const ThreadTeam&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }
  // work(0) … work(size() - 1), each on its own thread, the first on the caller's; returns when all
  // have. What one of them throws is thrown here.
  void Run(const std::function<void(int)>& work);

 private:
  void Share(int thread);

  TeamBarrier barrier_;
  const std::function<void(int)>* work_ = nullptr;  // null ends the workers
  std::vector<std::exception_ptr> thrown_;
  std::vector<std::thread> workers_;
};

// Shares out the loops of this thread, and LibTorch's operations run on it alone, as long as the
// object lives.
class TeamScope {
 public:
  explicit TeamScope(ThreadTeam& team);
  ~TeamScope();
  TeamScope(const TeamScope&) = delete;
  TeamScope& operator=(const TeamScope&) = delete;

 private:
  ThreadTeam* const before_;
  const int libtorch_threads_;
};

// body(begin, end) for stretches that make up 0 to `count`, one for each thread of the team in
// whose scope this is called, or a single one. Stretches begin at multiples of `step`.
void ParallelFor(int64_t count, int64_t step, const std::function<void(int64_t, int64_t)>& body);

// body(i) for all i below `count`, each on the next thread that is free.
void ParallelForEach(int64_t count, const std::function<void(int64_t)>& body);

}  // namespace grpo
