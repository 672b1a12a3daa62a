#include "policy/threads.h"

#include <exception>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include <ATen/Parallel.h>

namespace grpo {

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

}  // namespace grpo
