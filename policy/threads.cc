#include "policy/threads.h"

#include <exception>
#include <stdexcept>
#include <thread>
#include <vector>

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

}  // namespace grpo
