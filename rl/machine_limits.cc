#include "rl/machine_limits.h"

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <numeric>
#include <vector>

#include "absl/time/clock.h"
#include <ATen/ATen.h>
#include <sys/mman.h>

#include "data/check.h"
#include "policy/threads.h"

namespace grpo {
namespace {

constexpr int kRuns = 5;

// `work` is done on all threads twice; of the second time, seconds until the last has ended.
template <typename Work>
double SecondsOf(int threads, Work work) {
  TeamBarrier barrier(threads);
  std::vector<absl::Duration> durations(threads);
  const absl::Status status = RunThreads(threads, [&](int thread) {
    HoldProcessor(thread, threads);
    work(thread);
    barrier.Wait();
    const absl::Time start = absl::Now();
    work(thread);
    durations[thread] = absl::Now() - start;
    return absl::OkStatus();
  });
  GRPO_CHECK(status.ok());
  return absl::ToDoubleSeconds(*std::max_element(durations.begin(), durations.end()));
}

class Products {
 public:
  Products(int threads, at::ScalarType dtype) {
    for (int t = 0; t < threads; ++t) {
      factors_.push_back(at::full({kSize, kSize}, 0.5, dtype));
      results_.push_back(at::empty({kSize, kSize}, dtype));
    }
  }

  double FlopsPerSecond() {
    const int threads = static_cast<int>(factors_.size());
    const double seconds = SecondsOf(threads, [&](int t) {
      for (int i = 0; i < kProducts; ++i) at::mm_out(results_[t], factors_[t], factors_[t]);
    });
    return 2.0 * kSize * kSize * kSize * kProducts * threads / seconds;
  }

 private:
  static constexpr int64_t kSize = 1024, kProducts = 8;
  std::vector<at::Tensor> factors_, results_;
};

// Each thread reads its part of the memory from several places at once: a processor fetches ahead
// only so far in each. Pages of its own, which are given back: whoever measures peak memory next
// must not find them.
class Memory {
 public:
  explicit Memory(int threads) : threads_(threads), num_words_(threads * kStreams * kStreamWords) {
    void* const pages = mmap(nullptr, num_words_ * sizeof(int64_t), PROT_READ | PROT_WRITE,
                             MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    GRPO_CHECK(pages != MAP_FAILED);
    madvise(pages, num_words_ * sizeof(int64_t), MADV_HUGEPAGE);
    words_ = static_cast<int64_t*>(pages);
    std::fill_n(words_, num_words_, 1);
  }
  ~Memory() { munmap(words_, num_words_ * sizeof(int64_t)); }
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;

  double BytesPerSecond() const {
    std::vector<int64_t> sums(threads_);
    const int64_t* const words = words_;
    const double seconds = SecondsOf(threads_, [&](int t) {
      const int64_t* const own = words + t * kStreams * kStreamWords;
      int64_t sums_of_line[kLineWords] = {};
      for (int64_t i = 0; i < kStreamWords; i += kLineWords) {
        for (int64_t stream = 0; stream < kStreams; ++stream) {
          const int64_t* const line = own + stream * kStreamWords + i;
          for (int64_t j = 0; j < kLineWords; ++j) sums_of_line[j] += line[j];
        }
      }
      sums[t] = std::accumulate(std::begin(sums_of_line), std::end(sums_of_line), int64_t{0});
    });
    GRPO_CHECK(sums[0] == kStreams * kStreamWords);
    return static_cast<double>(num_words_ * sizeof(int64_t)) / seconds;
  }

 private:
  static constexpr int64_t kStreams = 4, kStreamWords = 8 << 20,
                           kLineWords = 8;  // 256 MiB a thread
  int threads_;
  int64_t num_words_;
  int64_t* words_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

}  // namespace

std::vector<MachineLimits> MeasureMachine(int threads, at::ScalarType dtype) {
  Products products(threads, dtype);
  const Memory memory(threads);
  std::vector<MachineLimits> runs;
  for (int run = 0; run < kRuns; ++run) {
    const double flops = products.FlopsPerSecond();
    runs.push_back({flops, memory.BytesPerSecond()});
  }
  return runs;
}

MachineLimits MedianLimits(const std::vector<MachineLimits>& before,
                           const std::vector<MachineLimits>& after) {
  std::vector<double> flops, bytes;
  for (const std::vector<MachineLimits>* runs : {&before, &after}) {
    for (const MachineLimits& run : *runs) {
      flops.push_back(run.flops_per_second);
      bytes.push_back(run.bytes_per_second);
    }
  }
  return {Median(flops), Median(bytes)};
}

}  // namespace grpo
