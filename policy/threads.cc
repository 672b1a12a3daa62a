#include "policy/threads.h"

#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include <ATen/Parallel.h>

namespace grpo {
namespace {

// A look takes about 20 ns: this is longer than any part of a forward that is not far out of
// balance.
constexpr int kLooks = 20000;

void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

absl::Status RunThreads(int count, const std::function<absl::Status(int)>& work) {
  std::vector<absl::Status> statuses(count);
  std::vector<std::thread> threads;
  for (int t = 0; t < count; ++t) {
    threads.emplace_back([&, t] {
      at::set_num_threads(1);
      try {
        statuses[t] = work(t);
      } catch (const std::exception& error) {
        statuses[t] = absl::InternalError(absl::StrCat("worker thread ", t, ": ", error.what()));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const absl::Status& status : statuses) {
    if (!status.ok()) return status;
  }
  return absl::OkStatus();
}

void TeamBarrier::Wait() {
  const uint32_t round = round_.load(std::memory_order_acquire);
  if (arrived_.fetch_add(1, std::memory_order_acq_rel) + 1 == threads_) {
    arrived_.store(0, std::memory_order_relaxed);
    round_.fetch_add(1, std::memory_order_release);
    round_.notify_all();
  } else {
    for (int look = 0; look < kLooks && round_.load(std::memory_order_acquire) == round; ++look) {
      Pause();
    }
    round_.wait(round, std::memory_order_acquire);
  }
  if (broken_.load(std::memory_order_acquire)) {
    throw std::runtime_error("another thread of the team failed");
  }
}

void TeamBarrier::Break() {
  broken_.store(true, std::memory_order_release);
  round_.fetch_add(1, std::memory_order_release);
  round_.notify_all();
}

}  // namespace grpo
