#include "policy/threads.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

#include "absl/strings/str_cat.h"
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <pthread.h>
#include <sched.h>

namespace grpo {
namespace {

// About 100 us: longer than most parts of a forward are out of balance. Without the processor's
// pause instruction: a virtual machine's host takes a loop of pauses for a lock whose holder does
// not run, and may stop the looking thread for much longer than the wait.
constexpr int kLooks = 200000;

thread_local ThreadTeam* current_team = nullptr;

// A function of OpenMP's library, if that is loaded: its header wants a compiler that knows OpenMP.
template <typename Function>
Function* OpenMpFunction(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
}

}  // namespace

void LeaveOpenMpPlace() {
  const auto num_places = OpenMpFunction<int()>("omp_get_num_places");
  const auto size_of_place = OpenMpFunction<int(int)>("omp_get_place_num_procs");
  const auto processors_of_place = OpenMpFunction<void(int, int*)>("omp_get_place_proc_ids");
  if (!num_places || !size_of_place || !processors_of_place) return;
  cpu_set_t all;
  if (sched_getaffinity(0, sizeof(all), &all) != 0) return;
  for (int place = 0; place < num_places(); ++place) {
    std::vector<int> processors(size_of_place(place));
    processors_of_place(place, processors.data());
    for (int processor : processors) CPU_SET(processor, &all);
  }
  sched_setaffinity(0, sizeof(all), &all);
}

void HoldProcessor(int thread, int threads) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0 || CPU_COUNT(&allowed) != threads) {
    return;
  }
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || thread-- > 0) continue;
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    pthread_setaffinity_np(pthread_self(), sizeof(own), &own);
    return;
  }
}

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

ThreadTeam::ThreadTeam(int threads) : barrier_(threads), thrown_(threads) {
  for (int t = 1; t < threads; ++t) {
    workers_.emplace_back([this, t, threads] {
      HoldProcessor(t, threads);
      at::set_num_threads(1);
      for (;;) {
        barrier_.Wait();
        if (work_ == nullptr) return;
        Share(t);
        barrier_.Wait();
      }
    });
  }
}

ThreadTeam::~ThreadTeam() {
  work_ = nullptr;
  barrier_.Wait();
  for (std::thread& worker : workers_) worker.join();
}

void ThreadTeam::Share(int thread) {
  try {
    (*work_)(thread);
  } catch (...) {
    thrown_[thread] = std::current_exception();
  }
}

void ThreadTeam::Run(const std::function<void(int)>& work) {
  work_ = &work;
  barrier_.Wait();
  Share(0);
  barrier_.Wait();
  for (std::exception_ptr& thrown : thrown_) {
    if (thrown) std::rethrow_exception(std::exchange(thrown, nullptr));
  }
}

TeamScope::TeamScope(ThreadTeam& team)
    : before_(std::exchange(current_team, &team)), libtorch_threads_(at::get_num_threads()) {
  at::set_num_threads(1);
}

TeamScope::~TeamScope() {
  at::set_num_threads(libtorch_threads_);
  current_team = before_;
}

namespace {

// Loops within loops are not shared out again.
void RunOnTeam(const std::function<void(int)>& work) {
  ThreadTeam* const team = std::exchange(current_team, nullptr);
  try {
    team->Run(work);
  } catch (...) {
    current_team = team;
    throw;
  }
  current_team = team;
}

}  // namespace

void ParallelFor(int64_t count, int64_t step, const std::function<void(int64_t, int64_t)>& body) {
  const int64_t steps = (count + step - 1) / step;
  if (current_team == nullptr || current_team->size() == 1 || steps < 2) {
    if (count > 0) body(0, count);
    return;
  }
  const int64_t threads = current_team->size();
  RunOnTeam([&](int t) {
    const int64_t begin = steps * t / threads * step,
                  end = std::min(count, steps * (t + 1) / threads * step);
    if (begin < end) body(begin, end);
  });
}

void ParallelForEach(int64_t count, const std::function<void(int64_t)>& body) {
  if (current_team == nullptr || current_team->size() == 1 || count < 2) {
    for (int64_t i = 0; i < count; ++i) body(i);
    return;
  }
  std::atomic<int64_t> next{0};
  RunOnTeam([&](int) {
    for (int64_t i = next.fetch_add(1); i < count; i = next.fetch_add(1)) body(i);
  });
}

}  // namespace grpo
