#include "rl/machine_limits.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "absl/time/clock.h"
#include <ATen/ATen.h>

#include "data/check.h"
#include "policy/threads.h"

namespace grpo {
namespace {

constexpr int kRuns = 5;

// Seconds until `work` is done on all threads.
template <typename Work>
double SecondsOf(int threads, Work work) {
  const absl::Time start = absl::Now();
  const absl::Status status = RunThreads(threads, [&](int thread) {
    work(thread);
    return absl::OkStatus();
  });
  GRPO_CHECK(status.ok());
  return absl::ToDoubleSeconds(absl::Now() - start);
}

double ProductsPerSecond(int threads, at::ScalarType dtype) {
  constexpr int64_t kSize = 1024, kProducts = 8;
  std::vector<at::Tensor> factors, results;
  for (int t = 0; t < threads; ++t) {
    factors.push_back(at::full({kSize, kSize}, 0.5, dtype));
    results.push_back(at::empty({kSize, kSize}, dtype));
  }
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const double seconds = SecondsOf(threads, [&](int t) {
      for (int i = 0; i < kProducts; ++i) at::mm_out(results[t], factors[t], factors[t]);
    });
    best = std::max(best, 2.0 * kSize * kSize * kSize * kProducts * threads / seconds);
  }
  return best;
}

double BytesPerSecond(int threads) {
  constexpr int64_t kWords = 32 << 20;  // 256 MiB a thread
  const std::vector<uint64_t> memory(kWords * threads, 1);
  std::vector<uint64_t> sums(threads);
  double best = 0;
  for (int run = 0; run < kRuns; ++run) {
    const double seconds = SecondsOf(threads, [&](int t) {
      uint64_t sum = 0;
      for (int64_t i = t * kWords; i < (t + 1) * kWords; ++i) sum += memory[i];
      sums[t] = sum;
    });
    GRPO_CHECK(sums[0] == kWords);
    best = std::max(best, static_cast<double>(memory.size() * sizeof(uint64_t)) / seconds);
  }
  return best;
}

}  // namespace

MachineLimits MeasureMachine(int threads, at::ScalarType dtype) {
  return {ProductsPerSecond(threads, dtype), BytesPerSecond(threads)};
}

}  // namespace grpo
