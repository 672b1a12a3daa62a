// Native threads that make calls under a deadline.
//
// Three parties share one state under one mutex: workers take calls from the queue and report their
// results; the watchdog looks at the oldest running call and gives up on it when its time is over;
// Run() waits for its batch. A worker waits for a call (woken by Run() and by the destructor), the
// watchdog for the oldest call's time or for a batch (woken by Run() and by the destructor), Run()
// for the last result of its batch (woken by a worker or by the watchdog).
//
// A thread cannot be stopped from outside: a call that overruns is told so through its Deadline,
// gets a short grace, and is then abandoned. Its thread is detached and replaced, and ends by
// itself if the call ever returns; what it touches is kept alive by the call's own copies. What
// this does not stop: the memory and processor time that an abandoned call goes on using.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "absl/time/time.h"

#include "reward/reward.h"

namespace grpo {

class CheckerPool {
 public:
  // Owns, or shares the ownership of, everything it touches: it may outlive the pool.
  using Call = std::function<RewardResult(const Deadline&)>;

  // `deadline` holds for each call, from its start.
  CheckerPool(int threads, absl::Duration deadline);
  // Not while a Run() is under way.
  ~CheckerPool();
  CheckerPool(const CheckerPool&) = delete;
  CheckerPool& operator=(const CheckerPool&) = delete;

  // Makes all the calls and returns their results in the calls' order. A call that throws, or that
  // does not return before its deadline, gives kError and holds up nobody else. At most 256
  // abandoned threads may be stuck at a time: beyond that, calls give kError at once. May be called
  // from several threads.
  std::vector<RewardResult> Run(std::vector<Call> calls);

 private:
  class State;
  const std::shared_ptr<State> state_;
};

}  // namespace grpo
