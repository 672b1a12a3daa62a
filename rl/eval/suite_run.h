// A suite on a policy: samples, scores and keeps what is not done yet.
#pragma once

#include <atomic>
#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/optional.h"

#include "policy/weights.h"
#include "rl/eval/suite.h"
#include "rl/eval/suite_result.h"
#include "rollout/engine.h"

namespace grpo {

struct SuiteRunOptions {
  std::string folder;     // of samples and result (rl/eval/sample_log.h)
  bool replaces = false;  // another evaluation that the folder holds, rather than refuse it
  uint64_t seed = 1;
  int scoring_threads = 2;
  int rank = 0;  // this process does the problems rank, rank + ranks, …
  int ranks = 1;
  const std::atomic<bool>* cancelled = nullptr;
  // Called after each finished problem with how many this process has done and will have.
  std::function<void(size_t done, size_t all)> progress;
};

// What is evaluated, without problems: everything that the samples depend on.
SuiteResult SuiteHead(const SuiteConfig& suite, const std::string& data_digest,
                      const std::string& policy, const std::string& policy_digest, int64_t seed);

// The result, or none while other ranks have problems left. Samples are put down as they are
// scored; whatever a folder has of the same evaluation is not done again, so that a killed
// evaluation goes on where it was. The result, result.json in the folder, does not depend on
// kills, ranks, threads or the batch.
absl::StatusOr<absl::optional<SuiteResult>> RunSuite(
    const SuiteConfig& suite, const std::vector<Prompt>& problems, const SuiteResult& head,
    const Weights& weights, const RolloutEngine& engine, const SuiteRunOptions& options);

// The same for completions that came from elsewhere: a file of JSON lines {"id": the problem's,
// "completion": text}, as many of each problem, in the order of their numbers. head.policy names
// it. The error says which line, or which problem, is not as it should be.
absl::StatusOr<SuiteResult> JudgeCompletions(const SuiteConfig& suite,
                                             const std::vector<Prompt>& problems,
                                             const SuiteResult& head, const std::string& file,
                                             const SuiteRunOptions& options);

}  // namespace grpo
