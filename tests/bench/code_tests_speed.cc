// What an honest Python check with three tests costs in a stream: a line of JSON for each tier and
// kind of tests. Usage: code_tests_speed [CHECKS [THREADS]]

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nlohmann/json.hpp"

#include "reward/code/code_tests.h"

namespace grpo {
namespace {

constexpr char kProgram[] = R"(```python
from typing import List

def running_maximum(numbers: List[int]) -> List[int]:
    best, result = None, []
    for number in numbers:
        best = number if best is None else max(best, number)
        result.append(best)
    return result
```)";
constexpr char kCall[] = R"({"tests": {"kind": "call", "function": "running_maximum", "cases": [
    {"args": [[1, 2, 3, 2, 3, 4, 2]], "expected": [1, 2, 3, 3, 3, 4, 4]},
    {"args": [[]], "expected": []}, {"args": [[4, 3, 2, 1]], "expected": [4, 4, 4, 4]}]}})";
constexpr char kAsserts[] = R"({"tests": {"kind": "asserts", "code":
    "assert running_maximum([1, 2, 3, 2, 3, 4, 2]) == [1, 2, 3, 3, 3, 4, 4]\nassert running_maximum([]) == []\nassert running_maximum([4, 3, 2, 1]) == [4, 4, 4, 4]"}})";

void Measure(const std::string& tier, const char* kind, const char* metadata, int checks,
             int num_threads) {
  CodeTestsOptions options;
  options.tier = tier;
  const auto checker = NewCodeTests(options);
  if (!checker.ok()) {
    std::fprintf(stderr, "%s\n", checker.status().ToString().c_str());
    return;
  }
  Prompt prompt;
  prompt.metadata_json = metadata;
  const RewardRequest request = {prompt, kProgram, 0, 0, FinishReason::kStop};
  std::vector<double> milliseconds(checks);
  std::vector<std::thread> threads;
  std::vector<int> wrong(num_threads, 0);
  for (int i = 0; i < 20; ++i) (*checker)->Score(request, Deadline::Never());
  const absl::Time start = absl::Now();
  for (int t = 0; t < num_threads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = t; i < checks; i += num_threads) {
        const absl::Time before = absl::Now();
        if ((*checker)->Score(request, Deadline::Never()).score != 1) ++wrong[t];
        milliseconds[i] = absl::ToDoubleMilliseconds(absl::Now() - before);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  const double seconds = absl::ToDoubleSeconds(absl::Now() - start);
  std::sort(milliseconds.begin(), milliseconds.end());
  int num_wrong = 0;
  for (const int count : wrong) num_wrong += count;
  const nlohmann::json line = {{"tier", tier},
                               {"kind", kind},
                               {"checks", checks},
                               {"threads", num_threads},
                               {"wrong", num_wrong},
                               {"checks_per_second", checks / seconds},
                               {"median_ms", milliseconds[checks / 2]},
                               {"p99_ms", milliseconds[checks * 99 / 100]}};
  std::printf("%s\n", line.dump().c_str());
}

}  // namespace
}  // namespace grpo

int main(int argc, char** argv) {
  const int checks = argc > 1 ? std::max(1, std::atoi(argv[1])) : 2000;
  const int threads = argc > 2 ? std::max(1, std::atoi(argv[2])) : 2;
  for (const char* tier : {"namespaces", "landlock"}) {
    grpo::Measure(tier, "call", grpo::kCall, checks, threads);
    grpo::Measure(tier, "asserts", grpo::kAsserts, checks, threads);
  }
}
